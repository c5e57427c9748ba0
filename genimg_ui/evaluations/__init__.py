"""Evaluations that the page starts: the command `evaluate` as a process of its own."""
