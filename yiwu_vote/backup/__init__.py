"""A copy of the whole database: the one file that holds it, how it is taken, and how it is put back."""
