"""What other tools have logged, read into one shape and taken into the store: a file per format.

Does not cover calling models, nor propensities, which these tools do not log: what was imported tells of costs and
shares and can be judged, and no other policy can be estimated on it.
"""
