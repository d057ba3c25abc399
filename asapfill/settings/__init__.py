"""The settings of the IT person, from the file to frozen data."""
