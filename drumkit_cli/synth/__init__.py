"""The `synth` command: single drum sounds from a latent space, and drum tracks played with them."""
