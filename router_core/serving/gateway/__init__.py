"""The router over HTTP, for programs in any language: ask which model, say what became of it.

Needs Starlette, which the extras ``app`` and ``gateway`` bring; nothing else in router_core imports it.
"""
