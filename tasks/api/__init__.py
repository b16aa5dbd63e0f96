"""The labs' door to projects, batches, tasks, submissions and exports."""
