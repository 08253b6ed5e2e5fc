from __future__ import annotations


def show_traffic(shared):
    pass
