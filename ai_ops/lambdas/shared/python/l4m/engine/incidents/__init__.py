"""Incidents: what went on where, since when, until when, by how much, and which groups of series show it."""
