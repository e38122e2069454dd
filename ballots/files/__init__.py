"""What people take away: tables, papers, packages."""
