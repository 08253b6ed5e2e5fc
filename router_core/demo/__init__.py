"""Simulated traffic: prompts, decisions, answers and ratings by the hundred thousand.

The policies really decide and learn; only people and models are simulated.
"""
