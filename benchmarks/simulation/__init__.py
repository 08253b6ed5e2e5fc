"""What routing can and cannot do, in a world whose truth is known: every policy on the same simulated requests.

Run it with ``python -m benchmarks.simulation``. Does not cover real prompts and models; its figures describe
this world, not yours.
"""
