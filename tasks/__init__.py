"""The work itself: projects, batches, tasks, claims, the meter, and what it is judged to be worth."""
