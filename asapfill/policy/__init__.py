"""From a policy file to what asapfill may do: reading, names, what is in force."""
