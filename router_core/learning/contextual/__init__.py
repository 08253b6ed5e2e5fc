"""What a router that tells prompts apart rests on: features of a prompt, a belief about each model.

See policies/contextual.py for the policy itself.
"""
