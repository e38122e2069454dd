"""What is so: these rooms read rows and write none."""
