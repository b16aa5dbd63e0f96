"""What each page of the work shows: rows ready to render, scoped to who looks."""
