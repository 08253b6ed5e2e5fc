"""The HTTP gateway: OpenAI's API in front of the routers, decisions and outcomes for programs in any language.

What is decided and called stands in aio.py and aio_forwarding.py. Needs Starlette, which the extras ``app`` and
``gateway`` bring; nothing else in router_core imports it.
"""
