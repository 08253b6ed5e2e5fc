"""Evidence in bulk: many answers judged at once, and what other tools have logged.

Does not cover what is made of it (evaluation/) and how it is kept (store/).
"""
