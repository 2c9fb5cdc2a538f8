"""What a SQLite connection string really does, measured on real drivers."""
