"""The `groove` command: PocketVAE, which turns a quantised drum track into a performance."""
