"""Learning: weights files, the one fit loop, and the device that a model runs on."""
