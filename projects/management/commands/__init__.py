"""Each command parses its arguments, calls one act and says what happened."""
