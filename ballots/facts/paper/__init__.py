"""Paper ballots: what was given out and came back, and how far the keying is (design §5.8)."""
