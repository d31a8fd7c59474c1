"""Inputs of `groove`: drum tracks, groove files, lists of numbers, and what a user asks for."""
