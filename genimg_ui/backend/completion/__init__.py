"""Completion networks: they fill a hole in one forward pass, without a prompt and without steps."""
