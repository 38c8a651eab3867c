"""The operations of the API: each takes checked members, calls its use case, and answers with members."""
