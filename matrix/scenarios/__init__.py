"""Everything that an author's YAML means: topics, axes, the cases that they expand to."""
