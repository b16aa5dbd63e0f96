"""What every labs' endpoint shares: authentication, idempotency, paging, error shape, throttles."""

from labs.doors import idempotency
from labs.doors.authentication import HasScope, LabKeyAuthentication
from labs.doors.bodies import JSON, NDJSON, content_type_of, parse_object, read_body
from labs.doors.described import GONE, IDEMPOTENCY, PAGING, READ, WRITE, Nothing, file_of, page_of, query
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
from labs.doors.paging import Pointers, keyset_page, read_choice, read_choices, refuse_unknown_parameters, rows_as
from labs.doors.problems import TooLarge, WrongType, answer, as_json, problem
from labs.doors.views import LabView

__all__ = [
    "GONE",
    "IDEMPOTENCY",
    "JSON",
    "NDJSON",
    "PAGING",
    "READ",
    "WRITE",
    "HasScope",
    "LabKeyAuthentication",
    "LabView",
    "MoneySerializer",
    "Nothing",
    "Pointers",
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
    "file_of",
    "idempotency",
    "keyset_page",
    "page_of",
    "parse_object",
    "problem",
    "query",
    "read_body",
    "read_choice",
    "read_choices",
    "refuse_unknown_parameters",
    "rows_as",
]
