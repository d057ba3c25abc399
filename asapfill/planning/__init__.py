"""Pure planning: who is offered what, how many at a time, and when. No I/O, no clock but the given times.

Read in this order: ``ranking`` (who comes first), ``waves`` (how many, how long to wait), ``limits`` (what a person may
be sent), ``slots`` (what people were already offered), ``plan`` (putting them together).
"""
