"""Evidence in bulk: batches of prompts put to every model, and checks of their answers.

What the evidence says is evaluation/.
"""
