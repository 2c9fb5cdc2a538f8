"""The HTML page: its data, its summary, its markup."""
