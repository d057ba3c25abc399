"""The verbs of the command line: options in, one call, text or JSON out, an exit code. No logic lives here."""
