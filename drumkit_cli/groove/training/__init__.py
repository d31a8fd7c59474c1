"""What the training of `groove` is made of: augmentation, recipes, reconstruction, metrics."""
