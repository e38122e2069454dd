"""A peer to measure beside: the polls of Django's tutorial, as it writes them."""
