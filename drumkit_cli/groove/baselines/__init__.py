"""Models that the evaluation compares PocketVAE with, and its genre classifier."""
