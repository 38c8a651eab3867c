"""Files of rows, from CSV, JSON lines and Parquet to blocks of values."""
