"""Training and loading of models.

Here belong weights files, the training loop, devices, the reading of data indices, and statistics
that evaluations of several features use.
"""
