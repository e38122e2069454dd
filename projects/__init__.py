"""What is put to the vote: polls, candidate projects and their yearly targets."""
