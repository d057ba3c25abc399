"""The simulated office: its tables, its rules, its people."""
