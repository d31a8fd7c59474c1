"""The `swirl` command: endless drums from a path through the noise space of a generator."""
