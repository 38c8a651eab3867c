"""Evidence: how surely every node strays from what is due of it, over one interval and added up over many."""
