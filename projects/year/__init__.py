"""From the vote to the deed: the adopted projects of a year and what becomes of them."""
