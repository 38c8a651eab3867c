"""The combinations of dimension values behind a deviation."""
