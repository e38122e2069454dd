"""What the database itself holds: constraints, triggers, races, secrecy, the record."""
