"""A user's project: pyproject.toml, its scenarios, its stacks."""
