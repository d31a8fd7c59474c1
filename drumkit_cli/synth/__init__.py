"""Drum sounds from a latent space."""
