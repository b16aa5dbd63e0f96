"""The text of an API key: made, taken apart, and checked without a look-up where it can be."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_ID_LENGTH = 8
SECRET_LENGTH = 43
CHECK_LENGTH = 6
_SHAPE = re.compile(
    rf"gh_(live|test)_([0-9A-Za-z]{{{KEY_ID_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECK_LENGTH}}})"
)


@dataclass(frozen=True)
class KeyText:
    """A key taken apart: which world, which row, and the hash to compare."""

    mode: str
    key_id: str
    secret_sha256: bytes


def new_key_text(mode: str) -> tuple[str, KeyText]:
    """Return a fresh key as the lab will see it, and what is kept of it."""
    key_id = _random(KEY_ID_LENGTH)
    secret = _random(SECRET_LENGTH)
    text = f"gh_{mode}_{key_id}_{secret}{_check(mode, key_id, secret)}"
    return text, KeyText(mode, key_id, _hash(secret))


def parse_key_text(text: str) -> KeyText | None:
    """Take a key apart, or return None where its shape or its check characters are wrong."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    mode, key_id, secret, check = match.groups()
    if check != _check(mode, key_id, secret):
        return None
    return KeyText(mode, key_id, _hash(secret))


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _hash(secret: str) -> bytes:
    # 256 bits of entropy need no slow hash.
    return hashlib.sha256(secret.encode()).digest()


def _check(mode: str, key_id: str, secret: str) -> str:
    number = zlib.crc32(f"gh_{mode}_{key_id}_{secret}".encode())
    digits = ""
    for _ in range(CHECK_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits
