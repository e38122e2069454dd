"""Accounts of staff, and how two of them sign."""
