"""Ids are typed, sortable and strict."""

from uuid import UUID

import pytest
from django.test import override_settings
from django.urls import NoReverseMatch, Resolver404, path, resolve, reverse

from kernel.ids import BadId, decode_id, encode_id, register_id_converters, uuid7
from tests.bad_input import BAD_IDS, cases

register_id_converters("tsk")
urlpatterns = [path("t/<tsk:task_id>/", lambda request, task_id: None, name="task")]

# From the TypeID specification's own examples.
EXAMPLES = [
    ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
]


@pytest.mark.parametrize(("text", "value"), EXAMPLES)
def test_ids_are_written_as_typeid_writes_them(text, value):
    assert encode_id("tsk", UUID(value)) == f"tsk_{text}"
    assert decode_id("tsk", f"tsk_{text}") == UUID(value)


@pytest.mark.parametrize("text", cases(BAD_IDS))
def test_a_malformed_id_is_refused(text):
    with pytest.raises(BadId):
        decode_id("tsk", text)


def test_new_ids_are_version_7_and_sort_by_time():
    ids = [uuid7() for _ in range(1_000)]

    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert [one.int >> 64 for one in ids] == sorted(one.int >> 64 for one in ids)
    assert len(set(ids)) == 1_000


@override_settings(ROOT_URLCONF=__name__)
def test_an_address_holds_the_typed_id():
    value = uuid7()
    address = f"/t/{encode_id('tsk', value)}/"

    assert reverse("task", kwargs={"task_id": value}) == address
    assert reverse("task", kwargs={"task_id": encode_id("tsk", value)}) == address
    assert resolve(address).kwargs == {"task_id": value}


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("text", cases(BAD_IDS))
def test_a_malformed_id_is_no_address(text):
    with pytest.raises(Resolver404):
        resolve(f"/t/{text}/")
    with pytest.raises(NoReverseMatch):
        reverse("task", kwargs={"task_id": text})
