"""Tests of the site as a whole: architecture, settings, logs, tables."""
