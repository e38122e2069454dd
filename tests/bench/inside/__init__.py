"""Scripts that a tree's own Python runs, the older one's too: each prints what it found as JSON."""
