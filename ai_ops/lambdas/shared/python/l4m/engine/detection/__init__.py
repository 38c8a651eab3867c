"""From values to severities: what is expected, how far a value is from it, and how rare that is."""
