"""One decision and one call: policy, sampler and store put together.

Also what the contextual router remembers between decisions, and how long texts are kept.
"""
