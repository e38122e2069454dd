"""Django's PostgreSQL, for a database that may fall silent (`ENGINE`)."""
