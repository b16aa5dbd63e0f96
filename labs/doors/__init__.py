"""What every labs' endpoint shares: authentication, idempotency, paging, error shape, throttles."""

from labs.doors.authentication import HasScope, LabKeyAuthentication
from labs.doors.bodies import JSON, NDJSON, content_type_of, parse_object, read_body
from labs.doors.fields import (
    MoneySerializer,
    SafeBooleanField,
    SafeCharField,
    SafeChoiceField,
    SafeIntegerField,
    SafeJSONField,
    SafeNameField,
    SafeTimeField,
    StrictSerializer,
    WordsField,
)
from labs.doors.paging import keyset_page, refuse_unknown_parameters
from labs.doors.problems import TooLarge, WrongType, answer, as_json, problem
from labs.doors.views import LabView

__all__ = [
    "JSON",
    "NDJSON",
    "HasScope",
    "LabKeyAuthentication",
    "LabView",
    "MoneySerializer",
    "SafeBooleanField",
    "SafeCharField",
    "SafeChoiceField",
    "SafeIntegerField",
    "SafeJSONField",
    "SafeNameField",
    "SafeTimeField",
    "StrictSerializer",
    "TooLarge",
    "WordsField",
    "WrongType",
    "answer",
    "as_json",
    "content_type_of",
    "keyset_page",
    "parse_object",
    "problem",
    "read_body",
    "refuse_unknown_parameters",
]
