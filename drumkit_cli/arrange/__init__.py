"""Drums for a bass line."""
