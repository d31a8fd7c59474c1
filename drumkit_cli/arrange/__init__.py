"""The `arrange` command: drums for a bass line, by a CycleGAN on mel spectrograms."""
