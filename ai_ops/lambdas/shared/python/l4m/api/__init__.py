"""The service model, the wire and the operations."""
