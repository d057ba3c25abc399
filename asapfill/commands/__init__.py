"""The commands, a module for each kind. No logic lives here: options in, a call, text or JSON out, and an exit code."""
