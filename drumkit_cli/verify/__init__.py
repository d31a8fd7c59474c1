"""`drumkit verify`: makes outputs again and compares them."""
