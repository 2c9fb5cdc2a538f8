"""Drivers for tests: real tiny plugins, each with one thing wrong about it."""
