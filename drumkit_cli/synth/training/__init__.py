"""Training of `synth`: presets, losses, trainers, closed-form fits, a parametric synthesiser."""
