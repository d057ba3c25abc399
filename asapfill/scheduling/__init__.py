"""Pure scheduling: which time is free, whose it is, and which visit fits where. No I/O, no clock but the given ``now``.

Read in this order: ``units`` and ``intervals`` (the arithmetic), ``office`` (what is known), ``working`` (who works
where), ``occupied`` (what is taken), ``openings`` (what is left), ``lengths`` and ``candidates`` (who could come),
``fits``.
"""
