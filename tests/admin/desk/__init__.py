"""The first page of the admin, and the handbook."""
