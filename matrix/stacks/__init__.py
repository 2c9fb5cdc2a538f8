"""Stacks: which versions exist, how they are named, and how they are installed."""
