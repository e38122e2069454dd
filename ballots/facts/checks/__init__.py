"""What a checklist asks of the site and of the roll (design §3.2)."""
