"""Should I route at all? Labelled prompts, logged traffic and pairs of answers become one verdict.

Leaves out screens (pages/evidence.py) and charts (router_core/evidence_charts.py).
"""
