"""What the ear is trained on: music, rendered takes of it, labelled examples; its thresholds."""
