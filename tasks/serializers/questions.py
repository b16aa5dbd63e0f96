"""Questions as the API takes and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from labs.doors import SafeBooleanField, SafeCharField, StrictSerializer
from tasks.actions.questions import MAX_ANSWER


class AnswerIn(StrictSerializer):
    """An answer: for the asker, or for everybody on the project."""

    text = SafeCharField(max_length=MAX_ANSWER, min_length=1)
    is_public = SafeBooleanField(
        required=False, default=False, help_text="Show question and answer to everybody on the project."
    )


class QuestionOut(serializers.Serializer[Any]):
    """A question about a task, with its answer once there is one."""

    id = serializers.CharField()
    project = serializers.CharField()
    task = serializers.CharField()
    expert = serializers.CharField(help_text="A pseudonym: the same within a project, another in every other one.")
    text = serializers.CharField()
    asked_at = serializers.DateTimeField()
    answer = serializers.CharField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    is_public = serializers.BooleanField()
