"""Task types: what a lab posts, what an expert hands in, and how the two are checked."""
