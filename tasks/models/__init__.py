"""Every table of the work itself."""

from tasks.models.batches import TASK_CONTENT, Batch, Slot, Task, TaskTag, WorkKind
from tasks.models.claims import Claim, Draft, Offer, Segment, SegmentKind
from tasks.models.exports import AcceptanceCount, Export
from tasks.models.files import File
from tasks.models.ingest import IngestMode, IngestRun, StagedLine
from tasks.models.projects import Assignment, Eligibility, GuidelineVersion, Project, ReviewPolicy
from tasks.models.questions import Question
from tasks.models.reviews import Decision, RejectCategory, Review, Submission
from tasks.models.simulations import SimulatedCalendar, Simulation

__all__ = [
    "TASK_CONTENT",
    "AcceptanceCount",
    "Assignment",
    "Batch",
    "Claim",
    "Decision",
    "Draft",
    "Eligibility",
    "Export",
    "File",
    "GuidelineVersion",
    "IngestMode",
    "IngestRun",
    "Offer",
    "Project",
    "Question",
    "RejectCategory",
    "Review",
    "ReviewPolicy",
    "Segment",
    "SegmentKind",
    "SimulatedCalendar",
    "Simulation",
    "Slot",
    "StagedLine",
    "Submission",
    "Task",
    "TaskTag",
    "WorkKind",
]
