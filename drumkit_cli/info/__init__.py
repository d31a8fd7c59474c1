"""What a file is and how it was made."""
