"""Signs that something goes on: how far every node strays from what is expected, over one interval and over many."""
