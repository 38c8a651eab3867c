"""The connector: params, queries, crawl windows, and bringing a detector to what params ask for."""
