"""`drumkit train`: fits the model of a command to a folder of data."""
