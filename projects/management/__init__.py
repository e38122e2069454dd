"""What is done from the shell."""
