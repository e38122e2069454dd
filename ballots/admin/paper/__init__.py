"""Paper ballots as pages of the office: given out, printed, keyed by two people, sealed into the box."""
