"""What the API's description calls enumerations whose fields share a name."""

from typing import Final

ENUM_NAMES: Final[dict[str, str | list[str]]] = {
    "ModeEnum": "labs.models.Mode",
    "IngestModeEnum": "tasks.models.IngestMode",
    "LabStateEnum": "labs.models.LabState",
    "EndpointStateEnum": "labs.models.EndpointState",
    "DeliveryStateEnum": "labs.models.DeliveryState",
    "ProjectStateEnum": "tasks.states.ProjectState",
    "BatchStateEnum": "tasks.states.BatchState",
    "ClaimStateEnum": "tasks.states.ClaimState",
    "ExportStateEnum": "tasks.states.ExportState",
    "KeyStateEnum": ["active", "expired", "revoked"],
    "VersionStateEnum": "agreements.states.VersionState",
    "ReviewPolicyEnum": "tasks.models.ReviewPolicy",
    "AssignmentEnum": "tasks.models.Assignment",
    "CaseStateEnum": "experts.states.CaseState",
}
