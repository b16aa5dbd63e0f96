"""Read settings from the environment, once and strictly: a wrong or missing value stops the start with a sentence."""

from __future__ import annotations

import os
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

MODES = ("demo", "test", "production")
TRUE, FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})


def read_mode() -> str:
    """Return GUILDHALL_MODE: demo, test or production. There is no default."""
    mode = os.environ.get("GUILDHALL_MODE", "")
    if mode not in MODES:
        raise ImproperlyConfigured(f"GUILDHALL_MODE is {mode!r}; it must be one of: {', '.join(MODES)}.")
    return mode


def read_text(name: str, *, default: str | None = None) -> str:
    """Return the variable ``name``, or ``default``; without either, refuse to start."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set.")
    return default


def read_list(name: str) -> list[str]:
    """Return the comma-separated parts of ``name``; none when it is not set."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def read_flag(name: str, *, default: bool) -> bool:
    """Return ``name`` as a yes or a no."""
    if name not in os.environ:
        return default
    value = os.environ[name].strip().lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be 1 or 0.")
    return value in TRUE


def read_number(name: str, *, default: int, least: int = 0) -> int:
    """Return ``name`` as a whole number of at least ``least``."""
    value = os.environ.get(name, "")
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number of at least {least}.")
    return int(value)


def read_public_url(name: str, *, default: str | None, must_be_https: bool) -> str:
    """Return an origin such as ``https://guildhall.example`` without a path or a closing slash."""
    value = read_text(name, default=default).rstrip("/")
    parts = urlsplit(value)
    schemes = ("https",) if must_be_https else ("http", "https")
    if parts.scheme not in schemes or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must look like {schemes[-1]}://host with no path.")
    return value


def database_options(url: str) -> dict[str, object]:
    """Turn ``postgresql://user:password@host:port/name?host=/socket/dir&sslmode=…`` into Django's settings."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or len(parts.path) < 2:
        raise ImproperlyConfigured("A database address must look like postgresql://user:password@host:5432/name.")
    query = {key: values[-1] for key, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
    host = query.pop("host", "") or unquote(parts.hostname or "")
    port = query.pop("port", "") or str(parts.port or 5432)
    return {
        "ENGINE": "kernel.postgres",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        # A statement that comes again is planned once a connection: planning took longer than running.
        "OPTIONS": {**query, "server_side_binding": True, "prepare_threshold": 5},
    }
