"""Tests of what is done with the adopted projects of a year."""
