"""Pure functions from results to text."""
