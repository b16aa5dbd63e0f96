"""The Redis cache, guarded: when Redis is away it answers as if empty, and no request fails for it."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


class GuardedRedisCache(RedisCache):
    """Treat an absent Redis as an empty cache: reads miss, writes are dropped."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return the value, or ``default`` when it or Redis is absent."""
        try:
            return super().get(key, default, version)
        except RedisError as error:
            log.warning("cache.away", error=type(error).__name__)
            return default

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        """Store the value if Redis is there."""
        try:
            super().set(key, value, *args, **kwargs)
        except RedisError as error:
            log.warning("cache.away", error=type(error).__name__)

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        """Store the value unless there is one; say yes when Redis is absent, as an empty cache would."""
        try:
            return bool(super().add(key, value, *args, **kwargs))
        except RedisError as error:
            log.warning("cache.away", error=type(error).__name__)
            return True

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget the value; say no when there was none or Redis is absent."""
        try:
            return bool(super().delete(key, version))
        except RedisError as error:
            log.warning("cache.away", error=type(error).__name__)
            return False
