"""The figures of a project's quality, as the API describes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

Out = serializers.Serializer[dict[str, Any]]


class AnswerAgreementOut(Out):
    """How far answers agree by one measure, over all tasks (`tag` null) or those of a tag; null has its reason."""

    measure = serializers.CharField()
    level = serializers.ChoiceField(choices=("nominal", "ordinal", "interval"))
    tag = serializers.CharField(allow_null=True)
    items = serializers.IntegerField(help_text="Tasks with two comparable answers and more.")
    answers = serializers.IntegerField()
    alpha = serializers.FloatField(allow_null=True, help_text="Krippendorff's alpha.")
    alpha_reason = serializers.CharField(allow_blank=True)
    ac1 = serializers.FloatField(allow_null=True, help_text="Gwet's AC1.")
    ac1_reason = serializers.CharField(allow_blank=True)


class GoldOut(Out):
    """How answers to gold compare with it: the share that agrees by every measure."""

    answers = serializers.IntegerField()
    score = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class PaceOut(Out):
    """What was handed in and accepted in the last days."""

    days = serializers.IntegerField()
    submitted = serializers.IntegerField()
    accepted = serializers.IntegerField()


class TimesOut(Out):
    """Percentiles of active seconds, the newest 20,000 answers at most."""

    answers = serializers.IntegerField()
    p10 = serializers.IntegerField(allow_null=True)
    p50 = serializers.IntegerField(allow_null=True)
    p90 = serializers.IntegerField(allow_null=True)


class DecisionsOut(Out):
    """How what was handed in was judged."""

    handed_in = serializers.IntegerField()
    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    returns = serializers.IntegerField()
    return_rate = serializers.FloatField(allow_null=True)
    reject_rate = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class QualityOut(Out):
    """The quality of a project's work."""

    project = serializers.CharField()
    kind = serializers.CharField()
    as_of = serializers.DateTimeField()
    answers_compared = serializers.IntegerField()
    is_partial = serializers.BooleanField()
    agreement = AnswerAgreementOut(many=True)
    agreement_reason = serializers.CharField(allow_blank=True)
    gold = GoldOut()
    pace = PaceOut()
    active_seconds = TimesOut()
    decisions = DecisionsOut()
