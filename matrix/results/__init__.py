"""The result files: their format, and the sets of observations that they hold."""
