"""Tests of what delegates, the public and the hall see."""
