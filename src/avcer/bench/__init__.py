"""Speed: how fast an analysis is, what each stage takes of it, and how far that is from what the machine can do."""
