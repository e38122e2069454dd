"""Paper ballots as pages of the office."""
