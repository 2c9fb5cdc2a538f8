"""The probe against somebody else: random cases, done again by a plain program under `strace`.

`cases` makes them, `user` performs them with the drivers alone, `judge` reads the kernel's word,
and `compare` holds both against each other. None of it uses `matrix.probe`.
"""
