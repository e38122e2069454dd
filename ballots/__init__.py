"""Who takes part, what they hand in, how it is counted and proved."""
