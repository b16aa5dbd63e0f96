"""How the API's description (OpenAPI 3.1) writes what all addresses share: problems, pages, headers, the key."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from labs.doors.fields import StrictSerializer


class FieldErrorOut(serializers.Serializer[Any]):
    """One thing that is wrong, and where."""

    line = serializers.IntegerField(required=False)
    external_id = serializers.CharField(required=False)
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """An answer that is not a success (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable; act on this.")
    errors = FieldErrorOut(many=True, required=False)  # type: ignore[assignment]  # As a field it replaces the property of this name.
    request_id = serializers.CharField(allow_blank=True)


def describe_bodies(result: dict[str, Any], **known: Any) -> dict[str, Any]:
    """Say of every body that it takes no other fields, and of defaults in words.

    Generators of clients would let unknown fields through, and take a field with a default for a required one.
    """
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request") and "properties" in schema:
            schema["additionalProperties"] = False
            for field in schema["properties"].values():
                if (default := field.pop("default", "")) != "":
                    told = f"Without it: `{default}`." if isinstance(default, str) else f"Without it: {default}."
                    field["description"] = f"{field.get('description', '')} {told}".strip()
    return result


class Nothing(StrictSerializer):
    """A body without fields."""


def _problem(sentence: str) -> OpenApiResponse:
    return OpenApiResponse(Problem, description=sentence)


def _of(answers: dict[int, str]) -> dict[tuple[int, str], OpenApiResponse]:
    return {(status, "application/problem+json"): _problem(sentence) for status, sentence in answers.items()}


READ = _of(
    {
        401: "No key, or not a valid one.",
        403: "The key lacks the scope.",
        404: "Not there, or not yours: the same answer.",
        422: "A parameter or field is not valid; `errors` names it.",
        429: "Too many requests; see Retry-After.",
        503: "Busy; see Retry-After.",
    }
)
WRITE = {
    **READ,
    **_of(
        {
            400: "The body cannot be read.",
            409: "Not possible in this state, or the Idempotency-Key is in flight.",
            413: "The body is too large.",
            415: "The content type is not one that this address takes.",
        }
    ),
}


def file_of(*media_types: str) -> dict[tuple[int, str], OpenApiTypes]:
    """Describe a file of one of these types; as plain bytes first, which every generator of clients knows."""
    return {(200, kind): OpenApiTypes.BINARY for kind in ("application/octet-stream", *media_types)}


GONE = _of({410: "The file has expired, or is no longer there."})

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Repeat a POST with the same key and body and it has one effect and one answer, for 7 days.",
)


def query(name: str, sentence: str, *, choices: Iterable[str] | None = None) -> OpenApiParameter:
    """Describe a query parameter."""
    enum = sorted(choices) if choices else None
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY, description=sentence, enum=enum)


PAGING = (
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
        OpenApiParameter.QUERY,
        description="How many rows, 1 to 200.",
    ),
    query("cursor", "`next_cursor` of the page before."),
)


@cache
def page_of(row: type[serializers.BaseSerializer[Any]]) -> type[serializers.Serializer[Any]]:
    """Describe a page of rows."""
    fields = {
        "data": row(many=True),
        "next_cursor": serializers.CharField(allow_null=True),
        "__doc__": "A page of rows; there are more while `next_cursor` is not null.",
    }
    return type(f"{row.__name__.removesuffix('Out')}Page", (serializers.Serializer,), fields)


class LabKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # Registers itself.
    """Describe the key."""

    target_class = "labs.doors.authentication.LabKeyAuthentication"
    name = "labKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Say where the key goes."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "gh_live_… or gh_test_…"}
