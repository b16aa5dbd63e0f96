"""What the API says of itself, read the way the client is written."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, Required, get_args, get_origin, get_type_hints

from drf_spectacular.generators import SchemaGenerator

DESCRIPTION: Final[dict[str, Any]] = SchemaGenerator().get_schema(request=None, public=True)
COMPONENTS: Final[dict[str, Any]] = DESCRIPTION["components"]["schemas"]
OPERATIONS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    operation["operationId"]: (method.upper(), path.removeprefix("/api/v1"), operation)
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
}
PLAIN: Final = {"string": str, "integer": int, "number": float, "boolean": bool, "null": type(None), "object": dict}


def described(schema: dict[str, Any]) -> Any:
    """Return what a schema takes, in plain words that compare: unions as sets, objects by their fields."""
    if "$ref" in schema:
        return described(COMPONENTS[schema["$ref"].rpartition("/")[2]])
    for several in ("allOf", "oneOf", "anyOf"):
        if several in schema:
            return _union([described(each) for each in schema[several]])
    kind = schema.get("type")
    if isinstance(kind, list):
        return _union([described({**schema, "type": each}) for each in kind])
    if "enum" in schema and kind != "null":
        return frozenset(schema["enum"])
    if kind == "array":
        return ("list", described(schema["items"]))
    if "properties" in schema:
        required = schema.get("required", [])
        return {name: (described(each), name in required) for name, each in schema["properties"].items()}
    return frozenset({PLAIN[str(kind)]})


def typed(annotation: Any) -> Any:
    """Return what an annotation of the client takes, in the same words."""
    origin = get_origin(annotation)
    if origin is Literal:
        return frozenset(get_args(annotation))
    if origin in (Required, NotRequired):
        return typed(get_args(annotation)[0])
    if origin is list:
        return ("list", typed(get_args(annotation)[0]))
    if origin is dict or annotation is dict:
        return frozenset({dict})
    if origin is not None:
        return _union([typed(each) for each in get_args(annotation)])
    if hasattr(annotation, "__required_keys__"):
        required = annotation.__required_keys__
        return {name: (typed(each), name in required) for name, each in get_type_hints(annotation).items()}
    return frozenset({annotation})


def _union(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, frozenset) for part in parts):
        return frozenset().union(*parts)
    return ("any of", *sorted(map(repr, parts)))
