"""The pages of a year."""
