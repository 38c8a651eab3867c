"""The commands of `l4m`, one module each."""
