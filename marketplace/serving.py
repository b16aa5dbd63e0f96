"""How gunicorn serves: threads, since labs upload and download for minutes and a sync worker would be killed for it."""

from __future__ import annotations

import gc

from marketplace.environment import read_list, read_number

bind = read_list("WEB_BIND") or ["127.0.0.1:8000"]
worker_class = "gthread"
workers = read_number("WEB_WORKERS", default=4, least=1)
threads = read_number("WEB_THREADS", default=4, least=1)  # Each keeps a connection: with more, none stays warm.
preload_app = True  # Imported once, before forking: it starts in half the time and shares its memory.
timeout = 120
graceful_timeout = 20
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
accesslog = None  # django-structlog writes a line per request, with ids and without content.
control_socket_disable = True


def post_fork(server: object, worker: object) -> None:
    """Let the collector leave alone what was imported before the fork, and look less often at what requests make.

    Requests leave few cycles behind; looking for them at every 700 objects takes a twentieth of their time.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
