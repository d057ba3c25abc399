"""The simulated office over HTTP, with faults, in a process of its own."""
