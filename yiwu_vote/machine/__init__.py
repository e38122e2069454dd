"""A real site on its machine: what its settings may be, the file that keeps them, its server."""
