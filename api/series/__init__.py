"""What repeats by rule."""
