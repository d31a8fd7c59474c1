"""The commands chained: measured as a whole."""
