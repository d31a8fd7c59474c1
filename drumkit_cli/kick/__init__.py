"""`drumkit kick`: kick drum tracks for a song's bass and snare."""
