"""Split music into stems."""
