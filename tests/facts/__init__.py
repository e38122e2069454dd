"""Tests of what reads rows."""
