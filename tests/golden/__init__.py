"""Figures worked by hand, compared exactly."""
