"""What the labs' API takes and gives back, field by field."""
