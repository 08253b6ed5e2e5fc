"""The command router-core.

Argument parsing and printing; the work is done by the packages below.
"""
