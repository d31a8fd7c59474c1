"""The `interpolate` command: transitions between drum patterns through an autoencoder's codes."""
