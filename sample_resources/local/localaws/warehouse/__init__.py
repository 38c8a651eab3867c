"""Redshift on one machine: the Data API in front of DuckDB."""
