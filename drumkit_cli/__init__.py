"""drumkit: small neural models for drums, as a Unix-style command line."""

__version__ = "0.1.0"
