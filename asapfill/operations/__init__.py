"""What the commands do, without a terminal; ``commands`` turns results into text and exit codes."""
