"""The demo: real data through the real application on the local AWS, told as it happens."""
