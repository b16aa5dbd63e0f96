"""Those who buy work: labs, their people, their keys, and the feed of what happened to them."""
