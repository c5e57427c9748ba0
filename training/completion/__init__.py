"""Trains the networks that fill holes of photographs in one forward pass."""
