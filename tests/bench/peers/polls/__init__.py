"""The polls app of Django's tutorial, parts 1 to 4, with its generic views."""
