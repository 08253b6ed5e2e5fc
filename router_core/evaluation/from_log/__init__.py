"""Judging other policies on logged traffic: off-policy estimates and what-if questions.

Judging on files of scored answers is by_file/.
"""
