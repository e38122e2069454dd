"""Copies of the database: what one holds, which there are, and whether this database is an older one."""
