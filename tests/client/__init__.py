"""The labs' own client, against a server that misbehaves as it is told, and against the description of the API."""
