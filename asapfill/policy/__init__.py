"""What an office manager allows: the file in ``model``, the names in it in ``names``, the result in ``policy``."""
