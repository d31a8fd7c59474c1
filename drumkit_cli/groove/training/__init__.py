"""Training of `groove`: presets, augmentation, reconstruction, and the figures of Table 1."""
