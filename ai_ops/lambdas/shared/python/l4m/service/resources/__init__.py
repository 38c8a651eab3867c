"""Detectors, metric sets, alerts and their tags: use cases and the rules that they keep."""
