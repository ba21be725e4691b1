"""A model goes round; each client adds 1 to each tensor."""
