"""Content credentials (C2PA): a signed statement of what was done to a picture, and its check."""
