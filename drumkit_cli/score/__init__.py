"""Grades of drums, as listeners would give them."""
