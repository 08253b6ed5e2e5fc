"""What a router that tells prompts apart rests on: features of a prompt, a belief about each model.

Leaves out the policy itself (policies/contextual.py).
"""
