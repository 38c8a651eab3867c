"""Incidents: where something went on, since when, until when, by how much."""
