"""Django's PostgreSQL backend, with a look at the socket in place of a question before each request."""
