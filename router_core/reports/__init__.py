"""A verdict as a page for people who were not there.

Values in, one self-contained HTML text out: no script, no font, nothing that is fetched.
"""
