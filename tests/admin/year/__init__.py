"""Tests of the pages of a year."""
