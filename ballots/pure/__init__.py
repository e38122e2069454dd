"""Arithmetic and bytes: what can be said of a vote without a database. No Django."""
