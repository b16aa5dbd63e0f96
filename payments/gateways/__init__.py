"""The ways out to those who move money."""
