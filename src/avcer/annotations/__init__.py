"""What people annotated, back in: ELAN, Praat and the studio's corrections as labels on the clock of the clip."""
