"""Beliefs about models and how outcomes change them.

Pure: Beta posteriors, the contextual model, drift alarms, the value of information.
Policies turn beliefs into probabilities.
"""
