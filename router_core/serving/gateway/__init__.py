"""The HTTP gateway: OpenAI's API in front of the routers.

What is decided and called stands in aio_forwarding.py, so that nothing here knows of policies or of the store.
"""
