"""Tests of the candidates."""
