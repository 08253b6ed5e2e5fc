"""Calling models: clients, streams, usage, errors, and the simulated models.

Nothing here decides which model is called (policies/) or stores what came (routing/).
"""
