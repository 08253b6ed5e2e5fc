"""The store in one DuckDB file: tables, transactions and every SQL text.

The protocol that it fulfils is store/base.py.
"""
