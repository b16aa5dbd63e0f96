"""Put the apps together: settings, addresses, processes and the demo. Nothing imports it."""
