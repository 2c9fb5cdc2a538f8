"""A user of SQLite who has never heard of the probe, and performs cases with the drivers alone.

Runs in a stack's Python under `strace`. Each case has a process of its own, forked from one that
has loaded the driver and never opens a database. Calls that cannot succeed mark in the trace where
a step begins: `unlink("/dev/null/<case>/<step>")`.
"""
