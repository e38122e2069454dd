"""What is typed on the machine of a real site."""
