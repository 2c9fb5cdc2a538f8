"""Finds the versions at which the behaviour of a case changes."""
