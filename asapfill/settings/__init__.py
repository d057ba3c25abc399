"""The IT person's settings, from the file to frozen data; secrets by reference."""
