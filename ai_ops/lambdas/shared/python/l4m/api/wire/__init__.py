"""The service's nouns as the wire has them, one module per noun, and back."""
