"""What people write in YAML, read with the line and column of every value."""
