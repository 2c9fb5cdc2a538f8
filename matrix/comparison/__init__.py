"""What changed between two results, and what decides it."""
