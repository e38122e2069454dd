"""Whoever writes to the database, at every phase: what refuses it, what names it, what is conceded."""
