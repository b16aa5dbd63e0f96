"""The client's types are the API's own: the same fields, the same words, the same nulls."""

from __future__ import annotations

from typing import Any

import pytest

from guildhall import errors, models
from tests.client.description import COMPONENTS, described, typed

# What is called otherwise here; all others are the API's names without their ending.
NAMES = {
    "AgreementVersion": "VersionOut",
    "BatchChanges": "PatchedBatchFieldsRequest",
    "BatchDetail": "BatchDetail",
    "EventPage": "EventsOut",
    "EventType": "TypeEnum",
    "ExportFormat": "FormatEnum",
    "FundingMethod": "FundingOutMethodEnum",
    "FundingState": "FundingOutStateEnum",
    "KeyWithSecret": "KeyWithSecret",
    "Money": "Money",
    "NewFundingMethod": "FundingInMethodEnum",
    "NewProject": "ProjectCreateRequest",
    "NewSimulation": "SimulationInRequest",
    "NewTask": "LineInRequest",
    "PostingMode": "IngestModeEnum",
    "PostingUnderWay": "PostingOut",
    "ProjectChanges": "PatchedProjectFieldsRequest",
    "RejectionCategory": "CategoryEnum",
    "Reviewer": "ReviewOutByEnum",
    "RowSchema": "SchemaOut",
    "SignatureState": "SignerOutStateEnum",
    "SlotCounts": "SlotCounts",
    "SpendPart": "SpendOutByEnum",
    "TaskDetail": "TaskDetail",
    "Webhook": "EndpointOut",
    "WebhookChanges": "PatchedEndpointChangesRequest",
    "WebhookState": "EndpointStateEnum",
    "WebhookWithSecret": "EndpointWithSecret",
}
# Bodies that are spelled out as arguments, tried in test_calls.py; pages are walked through; problems are raised.
NOT_TYPES = {"Problem", "BatchCreateRequest", "PatchedKeyChangesRequest", "PatchedTaskChangesRequest", "MoneyRequest"}


def name_of(model: str) -> str:
    """Return what the API calls a type of the client."""
    return NAMES.get(model) or next(name for name in (f"{model}Out", f"{model}Enum") if name in COMPONENTS)


@pytest.mark.parametrize("model", [name for name in models.__all__ if name != "SlotState"])
def test_a_type_is_what_the_api_says(model: str) -> None:
    annotation: Any = getattr(models, model)

    assert typed(annotation) == described(COMPONENTS[name_of(model)])


def test_what_is_wrong_with_a_field_is_what_the_api_says() -> None:
    assert typed(errors.FieldError) == described(COMPONENTS["FieldErrorOut"])


def test_every_answer_of_the_api_has_a_type() -> None:
    known = {name_of(model) for model in models.__all__ if model != "SlotState"} | {"FieldErrorOut"}

    missing = {name for name in COMPONENTS if not name.endswith(("Page", "InRequest"))} - known - NOT_TYPES

    assert missing == set()
