"""Judging routers on prompts whose answers by every model are scored.

Judging on logged traffic is from_log/.
"""
