"""What delegates, the public and the hall see."""
