"""Tests of the commands, and the whole vote by them."""
