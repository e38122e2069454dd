"""How staff sign in: waits after wrong passwords, how many are looked at once, the second factor."""
