"""Routers on a stream of scored prompts where only the chosen model's score is seen: study, chart, command.

Run it with python -m benchmarks.online FILE.
"""
