"""A drummer that never stops."""
