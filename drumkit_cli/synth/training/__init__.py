"""What the training of `synth` is made of: recipes, losses, optimisers, sounds of our own."""
