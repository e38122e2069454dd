"""The commands of the day, from the shell (DESIGN §9)."""
