"""The `separate` command: music to stems, by a built-in model or a pretrained Demucs."""
