"""Models: what they are (card), where they live (store), how they run (runtime), where they come from (convert)."""
