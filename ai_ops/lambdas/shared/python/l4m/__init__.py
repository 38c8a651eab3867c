"""Anomaly detection and root cause for business metrics, behind the Lookout for Metrics API."""
