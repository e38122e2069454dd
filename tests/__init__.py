"""The suite: one file per act, each test a sentence."""
