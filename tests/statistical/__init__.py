"""Claims about frequencies and numerical error, with fixed seeds."""
