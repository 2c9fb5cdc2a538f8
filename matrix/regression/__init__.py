"""Pinned stacks, the committed baseline, and what a new version changes."""
