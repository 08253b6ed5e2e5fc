from __future__ import annotations


def show_pairs(shared):
    pass
