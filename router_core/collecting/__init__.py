"""Evidence in bulk: batches put to every model, answers judged by a model, what other tools have logged.

Does not cover what is made of it (evaluation/) and how it is kept (store/).
"""
