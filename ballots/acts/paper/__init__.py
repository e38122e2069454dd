"""Paper ballots: giving them out, keying them by two people, and sealing them into the box."""
