"""Use cases: what a detector does, what is kept of it, and what is asked of it."""
