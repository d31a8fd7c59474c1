"""Drum sounds on request, over the network."""
