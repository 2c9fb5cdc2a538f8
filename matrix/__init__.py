"""What a SQLite connection string really does, measured on real drivers."""

__version__ = "0.1.0"
