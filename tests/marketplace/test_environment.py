"""Settings are read strictly: a wrong value is refused with a sentence, never guessed at."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.exceptions import ImproperlyConfigured

from marketplace.caches import GuardedRedisCache
from marketplace.environment import database_options, read_flag, read_list, read_number, read_public_url


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("Yes", True), ("off", False), ("", False)])
def test_a_flag_is_a_yes_or_a_no(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("A_FLAG", value)

    assert read_flag("A_FLAG", default=True) is expected


def test_a_flag_that_is_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_FLAG", "maybe")

    with pytest.raises(ImproperlyConfigured, match="A_FLAG is 'maybe'"):
        read_flag("A_FLAG", default=False)


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "0"])
def test_a_number_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("A_NUMBER", value)

    with pytest.raises(ImproperlyConfigured, match="A_NUMBER is"):
        read_number("A_NUMBER", default=3, least=1)


def test_a_list_has_no_empty_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_LIST", " one,, two ,")

    assert read_list("A_LIST") == ["one", "two"]


def test_a_public_url_loses_its_closing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_URL", "https://guildhall.example/")

    assert read_public_url("A_URL", default=None, must_be_https=True) == "https://guildhall.example"


def test_a_database_address_is_taken_apart_whole() -> None:
    assert database_options("postgresql://ada:p%40ss@db.example:6543/guild?sslmode=require") == {
        "ENGINE": "kernel.postgres",
        "NAME": "guild",
        "USER": "ada",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "6543",
        "OPTIONS": {"sslmode": "require", "server_side_binding": True, "prepare_threshold": 5},
    }


def test_a_database_address_may_name_a_socket() -> None:
    found = database_options("postgresql://app@/guild?host=/tmp/gh-1&port=5433")

    assert (found["HOST"], found["PORT"], "host" in found["OPTIONS"]) == ("/tmp/gh-1", "5433", False)  # noqa: S108  (a name in a test)


@pytest.fixture
def absent() -> BaseCache:
    """Return the Redis cache of a Redis that is not there."""
    return GuardedRedisCache("redis://127.0.0.1:9/0", {})


def test_without_redis_the_cache_is_as_if_empty(absent: BaseCache) -> None:
    absent.set("key", "value")

    assert absent.get("key", "nothing") == "nothing"
    assert absent.add("key", "value") is True
    assert absent.delete("key") is False


def test_with_redis_the_cache_keeps() -> None:
    cache = caches["redis"]

    cache.set("a-key-of-this-test", "value", timeout=30)

    assert cache.get("a-key-of-this-test") == "value"
    assert cache.add("a-key-of-this-test", "other") is False
    assert cache.delete("a-key-of-this-test") is True
