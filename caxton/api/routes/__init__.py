"""What each path does, one file per noun. A noun's class holds what its handlers need and lists its routes."""
