"""Paper ballots."""
