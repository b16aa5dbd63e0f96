"""What experts ask about their tasks, and what labs answer; both sealed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from kernel.ids import TypedIdModel
from tasks.models.claims import Claim
from tasks.models.projects import Project


class Question(TypedIdModel):
    """One question of the expert on a claim, with its lab's answer once there is one."""

    PREFIX: ClassVar[str] = "qst"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="questions", db_index=False)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="questions")
    expert = models.ForeignKey("experts.Expert", on_delete=models.PROTECT, related_name="+", db_index=False)
    text = models.BinaryField()
    asked_at = models.DateTimeField()
    answer = models.BinaryField(null=True)
    answered_by = models.CharField(max_length=64, blank=True, default="")  # The public id of a member or a key.
    answered_at = models.DateTimeField(null=True, blank=True)
    is_public = models.BooleanField(default=False)  # Shown to everybody on the project, under a pseudonym.

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(answer__isnull=True, answered_at__isnull=True, answered_by="", is_public=False)
                | Q(answer__isnull=False, answered_at__isnull=False) & ~Q(answered_by=""),
                name="question_answered_says_by_whom_and_when",
            ),
        )
        indexes = (
            models.Index(fields=("project", "-id"), name="question_of_project"),
            models.Index(fields=("expert", "-id"), name="question_of_expert"),
        )

    def __str__(self) -> str:
        return self.public_id
