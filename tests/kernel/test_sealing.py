"""Sealed content opens with its own key, for its own subject, and not otherwise."""

import pytest

from kernel.sealing import CannotOpen, Sealed, new_data_key, open_sealed, seal, seal_json

ABOUT = "tsk_1/payload"
PLAIN = b"The patient reports " * 100


def test_what_was_sealed_opens():
    key = new_data_key()

    assert open_sealed(Sealed(key, seal(key, PLAIN, about=ABOUT), ABOUT)) == PLAIN


def test_json_is_sealed_compactly():
    key = new_data_key()

    assert open_sealed(Sealed(key, seal_json(key, {"a": ["é"]}, about=ABOUT), ABOUT)) == '{"a":["é"]}'.encode()


def test_sealing_hides_and_shrinks_and_never_repeats():
    key = new_data_key()
    bodies = [seal(key, PLAIN, about=ABOUT) for _ in range(2)]

    assert b"patient" not in b"".join(bodies)
    assert len(bodies[0]) < len(PLAIN) / 4
    assert bodies[0] != bodies[1]


def test_content_does_not_pass_for_another_subject():
    key = new_data_key()

    with pytest.raises(CannotOpen):
        open_sealed(Sealed(key, seal(key, PLAIN, about=ABOUT), "tsk_2/payload"))


def test_content_does_not_open_with_another_key():
    body = seal(new_data_key(), PLAIN, about=ABOUT)

    with pytest.raises(CannotOpen):
        open_sealed(Sealed(new_data_key(), body, ABOUT))


@pytest.mark.parametrize("at", [0, 1, 12, 13, -1])
def test_a_changed_byte_is_noticed(at):
    key = new_data_key()
    body = bytearray(seal(key, PLAIN, about=ABOUT))
    body[at] ^= 1

    with pytest.raises(CannotOpen):
        open_sealed(Sealed(key, bytes(body), ABOUT))


@pytest.mark.parametrize("at", [0, 1, 5, -1])
def test_a_changed_key_is_noticed(at):
    key = new_data_key()
    changed = bytearray(key)
    changed[at] ^= 1

    with pytest.raises(CannotOpen):
        open_sealed(Sealed(bytes(changed), seal(key, PLAIN, about=ABOUT), ABOUT))


def test_another_master_key_opens_nothing(settings):
    settings.MASTER_KEY = b"k" * 32
    key = new_data_key()
    body = seal(key, PLAIN, about=ABOUT)
    settings.MASTER_KEY = b"l" * 32
    other = new_data_key()

    assert key[1:5] != other[1:5]
    assert b"k" * 32 not in key + body


def test_a_retired_master_key_still_unwraps(settings):
    settings.MASTER_KEY = b"m" * 32
    key = new_data_key()
    settings.MASTER_KEY, settings.RETIRED_MASTER_KEYS = b"n" * 32, [b"m" * 32]

    assert open_sealed(Sealed(key, seal(key, PLAIN, about=ABOUT), ABOUT)) == PLAIN
