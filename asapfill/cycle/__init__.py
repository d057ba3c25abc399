"""One cycle of one office. ``cycle`` has the order of its steps; each step is a module.

``sync`` (policies, names, what changed) → ``follow`` (what became of offers) → ``openings`` → ``candidates`` → ``plan``
→ ``recheck`` and ``send`` (with commlogs) → ``finish`` (reading ahead, figures). ``session`` is what they work with,
``results`` what they tell, and ``offices`` runs a cycle for each office of a command.
"""
