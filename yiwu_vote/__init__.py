"""The project: wiring around the two apps, no rules of its own."""
