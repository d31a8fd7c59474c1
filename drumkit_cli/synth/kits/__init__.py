"""Kits of drum sounds, and drum tracks played with them."""
