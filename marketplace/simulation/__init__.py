"""Play the experts of labs' test batches: through the actions that real experts' pages call, driven by a seed."""
