"""Runs cases on stacks."""
