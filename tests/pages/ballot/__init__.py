"""The ballot of a delegate as a form: what is read of it, and judged."""
