"""What is known of an office: rows as last read, kept up to date with few requests.

Remembered in the state, so that a restart reads only what changed. What is free and who may be asked is for ``core``.
"""
