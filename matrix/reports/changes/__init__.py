"""What changed between two results, in every format."""
