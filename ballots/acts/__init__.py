"""What is done: each act is one function, one transaction, one lock, one refusal."""
