"""Measure the product and the machine's limit side by side, in one run: the ratio is what counts."""
