"""Leaves, their rollups, and what is where among them."""
