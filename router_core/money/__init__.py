"""From usage to dollars: prices in force, budgets, and what routing would save at a volume.

Pure arithmetic over settings. What was spent is read from the log in views/.
"""
