"""Projects and their guidelines as the API takes and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from experts.models import Domain
from labs.doors import (
    MoneySerializer,
    SafeCharField,
    SafeChoiceField,
    SafeIntegerField,
    SafeNameField,
    StrictSerializer,
    WordsField,
)
from labs.models import Mode
from tasks.kinds import registry
from tasks.models import Assignment, GuidelineVersion, Project, ReviewPolicy
from tasks.states import ProjectState

HOUR = 3_600
DAY = 24 * HOUR
COUNTRY = r"^[A-Z]{2}$"


class CountriesField(WordsField):
    """A list of ISO 3166 country codes."""

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the codes, or name the one that is none."""
        codes = super().to_internal_value(data)
        if wrong := [code for code in codes if not (len(code) == 2 and code.isascii() and code.isupper())]:
            raise serializers.ValidationError(f"{wrong[0][:10]} is not a country code such as US.", code="wrong_form")
        return codes


class ProjectFields(StrictSerializer):
    """The settings of a project, all optional: what PATCH takes."""

    name = SafeNameField(required=False)
    code_name = SafeNameField(required=False, max_length=80, help_text="What experts see instead of your name.")
    description = SafeCharField(required=False, max_length=5_000)
    kind = SafeChoiceField(required=False, choices=registry.names())
    domain = SafeNameField(required=False, max_length=60, help_text="The slug of a domain, such as psychiatry.")
    tier_min = SafeIntegerField(required=False, min_value=1, max_value=5)
    tier_max = SafeIntegerField(required=False, min_value=1, max_value=5)
    agreement = SafeNameField(required=False, max_length=40, help_text="The agreement that experts sign: agr_…")
    credential_classes = WordsField(required=False)
    jurisdictions_wanted = WordsField(required=False)
    jurisdictions_barred = WordsField(required=False)
    languages = WordsField(required=False)
    countries = CountriesField(required=False, max_items=250)
    content_flags = WordsField(required=False)
    review_policy = SafeChoiceField(required=False, choices=ReviewPolicy.choices)
    review_share_bps = SafeIntegerField(required=False, min_value=1, max_value=10_000)
    review_layers = SafeIntegerField(required=False, min_value=1, max_value=3)
    review_window_hours = SafeIntegerField(required=False, min_value=1, max_value=24 * 30)
    overlap_min = SafeIntegerField(required=False, min_value=1, max_value=20)
    overlap_max = SafeIntegerField(required=False, min_value=1, max_value=20)
    expected_seconds = SafeIntegerField(required=False, min_value=30, max_value=DAY)
    cap_seconds = SafeIntegerField(required=False, min_value=30, max_value=2 * DAY)
    review_cap_seconds = SafeIntegerField(required=False, min_value=30, max_value=DAY)
    guideline_seconds = SafeIntegerField(required=False, min_value=0, max_value=4 * HOUR)
    assignment = SafeChoiceField(required=False, choices=Assignment.choices)
    seat_minutes = SafeIntegerField(required=False, min_value=15, max_value=40 * 60)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, max_length=3)
    retention_days = SafeIntegerField(required=False, min_value=1, max_value=3_650)

    def validate_domain(self, slug: str) -> Domain:
        """Return the domain of this slug."""
        domain = Domain.objects.filter(slug=slug).first()
        if domain is None:
            raise serializers.ValidationError("There is no domain of this name.", code="unknown_value")
        return domain


class ProjectCreate(ProjectFields):
    """The settings of a new project; what is left out follows from the rest."""

    name = SafeNameField()
    code_name = SafeNameField(max_length=80, help_text="What experts see instead of your name.")
    kind = SafeChoiceField(choices=registry.names())
    domain = SafeNameField(max_length=60, help_text="The slug of a domain, such as psychiatry.")
    tier_min = SafeIntegerField(min_value=1, max_value=5)
    agreement = SafeNameField(max_length=40, help_text="The agreement that experts sign: agr_…")
    expected_seconds = SafeIntegerField(min_value=30, max_value=DAY)


class ProjectOut(serializers.ModelSerializer[Project]):
    """A project as its lab sees it."""

    id = serializers.CharField(source="public_id", read_only=True)
    mode = serializers.ChoiceField(choices=Mode.choices, read_only=True)
    state = serializers.ChoiceField(choices=ProjectState.choices, read_only=True)
    domain = serializers.CharField(source="domain.slug", read_only=True)
    agreement = serializers.CharField(source="agreement.public_id", read_only=True)

    class Meta:
        model = Project
        fields = (
            "id", "mode", "state", "name", "code_name", "description", "kind", "domain", "tier_min", "tier_max",
            "agreement", "credential_classes", "jurisdictions_wanted", "jurisdictions_barred", "languages", "countries",
            "content_flags", "review_policy", "review_share_bps", "review_layers", "review_window_hours", "overlap_min",
            "overlap_max", "expected_seconds", "cap_seconds", "review_cap_seconds", "guideline_seconds", "assignment",
            "seat_minutes", "currency", "retention_days", "pause_reason", "created_at", "launched_at", "closed_at",
        )  # fmt: skip
        read_only_fields = fields


class BudgetOut(serializers.Serializer[Any]):
    """A project's money, in minor units; allocated = held + spent + available."""

    currency = serializers.CharField()
    allocated_minor = serializers.IntegerField()
    held_minor = serializers.IntegerField()
    spent_minor = serializers.IntegerField()
    available_minor = serializers.IntegerField()


class BudgetIn(StrictSerializer):
    """Money to move between the lab's prepaid account and the project's budget."""

    amount = MoneySerializer()


class GuidelineIn(StrictSerializer):
    """A new version of the instructions, in Markdown."""

    text = SafeCharField(max_length=200_000, min_length=1)
    note = SafeCharField(required=False, max_length=500, default="")


class GuidelineOut(serializers.ModelSerializer[GuidelineVersion]):
    """A version of the instructions."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = GuidelineVersion
        fields = ("id", "number", "text", "note", "published_at")
        read_only_fields = fields
