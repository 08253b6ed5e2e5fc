"""What programs and pages hold on to: the library's Router and the playground.

Also calls under way and what a visit has cost. Layout lives in pages/.
"""
