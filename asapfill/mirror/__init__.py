"""What asapfill knows of an office: rows as last read, kept up to date with few requests, and remembered in the state.

``mirror`` asks Open Dental; ``known`` holds the rows and ``turns`` says what is to be read again, both pure. Nothing
here decides what is free or who is asked.
"""
