"""The doors for applicants, experts and the vetting desk."""
