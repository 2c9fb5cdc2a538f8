"""Runs cases on stacks; knows no YAML."""
