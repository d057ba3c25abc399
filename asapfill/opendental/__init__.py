"""The client of one office's Open Dental API: pacing, paging, deadlines, errors."""
