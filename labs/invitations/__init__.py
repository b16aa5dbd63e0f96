"""Inviting people to act for a lab: by letter, once, for a week, and only the person with that address."""
