"""One module per kind of data source; files of rows are read in `tables`."""
