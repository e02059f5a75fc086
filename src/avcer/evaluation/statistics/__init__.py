"""Statistics: metrics as pure functions, intervals, agreement, and scores for people to read."""
