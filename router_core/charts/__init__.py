"""Charts: a table in, an Altair chart out.

The tables come from views/ and evaluation/.
"""
