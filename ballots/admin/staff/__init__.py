"""What staff are: their accounts, and how two of them sign."""
