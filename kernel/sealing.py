"""Seal content: compressed, then encrypted under a data key which the master key wraps."""

import os
import threading
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import orjson
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

WRAPPED, SEALED = b"\x01", b"\x01"
NONCE = 12
KEY_MARK = 4
ABOUT_KEYS = b"guildhall data key"


class CannotOpen(Exception):
    """The key is gone or wrong, or the bytes are not what was sealed."""


@dataclass(frozen=True)
class Sealed:
    """Sealed bytes with the wrapped key they need and what they are about."""

    key: bytes
    body: bytes
    about: str


def new_data_key() -> bytes:
    """Return a fresh data key, wrapped; only its wrapped form is ever stored."""
    mark, master = _master_keys()[0]
    nonce = os.urandom(NONCE)
    return WRAPPED + mark + nonce + AESGCM(master).encrypt(nonce, AESGCM.generate_key(256), ABOUT_KEYS)


def seal(key: bytes, plain: bytes, *, about: str) -> bytes:
    """Seal ``plain`` under the wrapped ``key``; it opens only as being about ``about``."""
    nonce = os.urandom(NONCE)
    return SEALED + nonce + _cipher(bytes(key)).encrypt(nonce, _ZSTD.packer.compress(plain), about.encode())


def seal_json(key: bytes, value: object, *, about: str) -> bytes:
    """Seal a JSON value."""
    return seal(key, orjson.dumps(value), about=about)


def open_sealed(sealed: Sealed) -> bytes:
    """Return what was sealed, or raise ``CannotOpen``."""
    body = bytes(sealed.body)
    if body[:1] != SEALED:
        raise CannotOpen(f"The content of {sealed.about} has an unknown form.")
    nonce, rest = body[1 : 1 + NONCE], body[1 + NONCE :]
    try:
        return _ZSTD.unpacker.decompress(_cipher(bytes(sealed.key)).decrypt(nonce, rest, sealed.about.encode()))
    except InvalidTag:
        raise CannotOpen(f"The content of {sealed.about} does not open with its key.") from None


def seal_secret(text: str, *, about: str) -> str:
    """Seal a secret of the house's own, such as a one-time-code seed, with its key beside it."""
    key = new_data_key()
    return ".".join(b64encode(part).decode() for part in (key, seal(key, text.encode(), about=about)))


def open_secret(sealed: str, *, about: str) -> str:
    """Return what ``seal_secret`` sealed; lab content never opens this way, but through the gate."""
    key, body = (b64decode(part) for part in sealed.split("."))
    return open_sealed(Sealed(key=key, body=body, about=about)).decode()


class _Zstd(threading.local):
    """A packer and an unpacker for each thread: making one costs more than packing a task, and none may be shared."""

    def __init__(self) -> None:
        self.packer = zstandard.ZstdCompressor(level=1)
        self.unpacker = zstandard.ZstdDecompressor()


_ZSTD = _Zstd()


@lru_cache(maxsize=1024)
def _cipher(wrapped: bytes) -> AESGCM:
    mark, nonce, rest = wrapped[1:5], wrapped[5 : 5 + NONCE], wrapped[5 + NONCE :]
    master = dict(_master_keys()).get(mark)
    if wrapped[:1] != WRAPPED or master is None:
        raise CannotOpen("No master key at hand wraps this data key.")
    try:
        return AESGCM(AESGCM(master).decrypt(nonce, rest, ABOUT_KEYS))
    except InvalidTag:
        raise CannotOpen("The data key does not open with its master key.") from None


def _master_keys() -> list[tuple[bytes, bytes]]:
    """Give the master keys with their marks: the first wraps, the retired ones still unwrap."""
    keys: list[bytes] = [settings.MASTER_KEY, *getattr(settings, "RETIRED_MASTER_KEYS", [])]
    return [(sha256(key).digest()[:KEY_MARK], key) for key in keys]
