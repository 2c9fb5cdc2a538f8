"""What a user's project says: pyproject.toml, its scenarios, its stacks."""
