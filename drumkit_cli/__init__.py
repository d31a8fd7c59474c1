"""Small neural models for drums, as Unix commands."""

__version__ = "0.1.0"
