"""Parts of PocketVAE: windows, layers, the prior over codes, and its sampling."""
