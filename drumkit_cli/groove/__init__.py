"""The `groove` command: PocketVAE, from a stiff drum template to a played track."""
