"""The office's pages of a year's projects: how they stand, what is reported, and the end of the year."""
