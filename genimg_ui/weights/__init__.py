"""Weight files on this machine: where they lie, what is missing, and what they are."""
