"""Transitions between drum patterns."""
