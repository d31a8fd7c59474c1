"""The parts of PocketVAE: windows, layers, the prior of its codes and their sampling."""
