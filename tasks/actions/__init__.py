"""What happens to projects, batches, claims and reviews: the only writers."""
