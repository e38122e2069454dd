"""The commands of the day, from the shell (design §9)."""
