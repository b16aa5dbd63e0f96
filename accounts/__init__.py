"""Who signs in, and what happened."""
