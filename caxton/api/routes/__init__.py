"""What each path does, one file per noun; a noun's class holds what its handlers need."""
