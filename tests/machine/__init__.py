"""The machine of a real site: the file of its settings, its container, what stands in front of it."""
