"""Tests of the pure rooms."""
