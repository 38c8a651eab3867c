"""Time of day, week and year: seasons and holidays."""
