"""Cases as a lab reads and opens them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from experts.states import CaseKind, CaseOutcome, CaseSide, CaseState
from labs.doors import SafeCharField, StrictSerializer


class CaseIn(StrictSerializer):
    """Which accepted answer should be refunded, and why."""

    submission = SafeCharField(max_length=40, help_text="An accepted answer, within seven days of its acceptance.")
    words = SafeCharField(max_length=5_000, min_length=40, help_text="What is wrong with it. Its expert reads this.")


class AppealIn(StrictSerializer):
    """What the decision overlooked."""

    words = SafeCharField(max_length=5_000, min_length=40)


class CaseDecisionOut(serializers.Serializer[Any]):
    """What one person decided; of two, the second stands."""

    round = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=CaseOutcome.choices)
    seconds = serializers.IntegerField(help_text="Paid on top of what was paid before.")
    decided_at = serializers.DateTimeField()


class ReasonedDecisionOut(CaseDecisionOut):
    """A decision with the reasons that both sides read."""

    reasons = serializers.CharField()


class CaseOut(serializers.Serializer[Any]):
    """A case about finished work: what was asked, by which side, and where it stands."""

    id = serializers.CharField(source="public_id")
    about = serializers.ChoiceField(source="kind", choices=CaseKind.choices)
    opened_by = serializers.ChoiceField(source="side", choices=CaseSide.choices)
    state = serializers.ChoiceField(choices=CaseState.choices)
    project = serializers.CharField()
    claim = serializers.CharField(source="subject")
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="When a person has answered.")
    appealed_at = serializers.DateTimeField(allow_null=True)
    decisions = CaseDecisionOut(many=True, source="decisions.all")


class ReasonedCaseOut(CaseOut):
    """One case, with the reasons of its decisions."""

    decisions = ReasonedDecisionOut(many=True)
