"""The whole app under load and faults for minutes: browsers, raters, clients that hang up, kill -9.

Run it with ``python -m benchmarks.soak``. It needs Chromium and loopback, nothing else.
"""
