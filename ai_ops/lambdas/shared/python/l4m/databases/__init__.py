"""Databases that the connector crawls: one module each, chosen by ``database_type`` of params.json."""
