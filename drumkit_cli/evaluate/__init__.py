"""`drumkit evaluate`: measures the model of a command on a folder of data."""
