"""The demo's history: made through actions alone, with the clock moved, as months of use would have made it."""
