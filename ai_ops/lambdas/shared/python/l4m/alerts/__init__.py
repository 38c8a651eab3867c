"""Alerts: filters, texts, delivery."""
