"""How fast a key may call: a leaky bucket in Redis, and one per process when Redis is away."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import ClassVar

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from labs.models import ApiKey

RATE_PER_SECOND = 50
BURST = 200
RETRY_REDIS_AFTER_SECONDS = 5.0

# The generic cell rate algorithm: one number per key, the time at which its bucket is empty again. Redis's own clock,
# so that several web processes agree.
SCRIPT = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1e6
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or at), at)
local ahead = empty + interval - at
if ahead > burst * interval then return {0, tostring(ahead - burst * interval), tostring(empty - at)} end
redis.call('SET', KEYS[1], tostring(empty + interval), 'PX', math.ceil(burst * interval * 1000) + 1000)
return {1, '0', tostring(ahead)}
"""


@dataclass(frozen=True)
class Verdict:
    """Whether a call may pass, and what its headers say."""

    is_allowed: bool
    wait_seconds: float
    filled_seconds: float

    def headers(self) -> dict[str, str]:
        """Write the RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""
        left = max(0, math.floor(BURST - self.filled_seconds * RATE_PER_SECOND))
        return {
            "RateLimit-Policy": f'"key";q={BURST};w={BURST // RATE_PER_SECOND}',
            "RateLimit": f'"key";r={left};t={max(1, math.ceil(self.filled_seconds))}',
        }


class LocalBuckets:
    """The same algorithm in this process, for as long as Redis does not answer."""

    def __init__(self) -> None:
        self.empty_at: dict[str, float] = {}
        self.lock = threading.Lock()

    def take(self, key: str, *, now: float) -> Verdict:
        """Take one call out of ``key``'s bucket."""
        interval = 1 / RATE_PER_SECOND
        with self.lock:
            if len(self.empty_at) > 10_000:
                self.empty_at = {name: at for name, at in self.empty_at.items() if at > now}
            empty = max(self.empty_at.get(key, now), now)
            ahead = empty + interval - now
            if ahead > BURST * interval:
                return Verdict(False, ahead - BURST * interval, empty - now)
            self.empty_at[key] = empty + interval
            return Verdict(True, 0.0, ahead)


class SharedBuckets:
    """Buckets in Redis; a failure is remembered for a moment, so that no request waits for a dead server twice."""

    def __init__(self) -> None:
        self.client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25)
        self.script = self.client.register_script(SCRIPT)
        self.local = LocalBuckets()
        self.away_until = 0.0

    def take(self, key: str) -> Verdict:
        """Take one call out of ``key``'s bucket, wherever it is."""
        now = time.monotonic()
        if now >= self.away_until:
            try:
                allowed, wait, filled = self.script(keys=[f"throttle:{key}"], args=[1 / RATE_PER_SECOND, BURST])
                return Verdict(bool(allowed), float(wait), float(filled))
            except redis.RedisError:
                self.away_until = now + RETRY_REDIS_AFTER_SECONDS
        return self.local.take(key, now=now)


class KeyThrottle(BaseThrottle):
    """Limit each key; leaves its verdict on the request for the headers."""

    buckets: ClassVar[SharedBuckets | None] = None
    lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self.verdict: Verdict | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Tell whether this call may pass."""
        key = request.auth
        if not isinstance(key, ApiKey):
            return True
        self.verdict = self._shared().take(key.public_id)
        view.rate_headers = self.verdict.headers()  # type: ignore[attr-defined]  # Read back by LabView.
        return self.verdict.is_allowed

    def wait(self) -> float | None:
        """Say for how long a refused caller should wait."""
        return self.verdict.wait_seconds if self.verdict else None

    @classmethod
    def _shared(cls) -> SharedBuckets:
        with cls.lock:
            if cls.buckets is None:
                cls.buckets = SharedBuckets()
            return cls.buckets
