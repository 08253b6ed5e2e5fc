"""From what was said about an answer to a reward in [0, 1].

Success conditions, checks and the values of ratings. Where outcomes are kept is the store's business.
"""
