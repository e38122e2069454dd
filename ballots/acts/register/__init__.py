"""What is done with the register as a whole."""
