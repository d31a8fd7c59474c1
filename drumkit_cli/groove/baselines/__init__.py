"""What PocketVAE is compared with, and the classifier that judges genres."""
