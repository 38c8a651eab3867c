"""Slow change: what moves by so little a day that no hour shows it."""
