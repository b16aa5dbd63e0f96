"""A quote, as the API describes it."""

from __future__ import annotations

from rest_framework import serializers

from tasks.quoting import Quote


class TierShareOut(serializers.Serializer[Quote]):
    """A tier of those who can do the work."""

    tier = serializers.IntegerField()
    experts = serializers.IntegerField()
    rate_minor = serializers.IntegerField(help_text="An hour.")
    answers = serializers.IntegerField(help_text="How many fall to this tier.")


class WideningOut(serializers.Serializer[Quote]):
    """A rule that alone keeps some experts from the work."""

    rule = serializers.CharField()
    experts = serializers.IntegerField(help_text="How many could do it without this rule.")
    advice = serializers.CharField()


class QuoteOut(serializers.Serializer[Quote]):
    """What a batch's open answers are expected to cost, and by when they are done; money in minor units."""

    answers = serializers.IntegerField()
    seconds_per_answer = serializers.IntegerField()
    is_measured = serializers.BooleanField(help_text="By the project's own accepted answers, 20 and more.")
    currency = serializers.CharField()
    pay_minor = serializers.IntegerField()
    review_minor = serializers.IntegerField()
    fee_minor = serializers.IntegerField()
    total_minor = serializers.IntegerField(help_text="Pay, reviews and fee.")
    most_minor = serializers.IntegerField(help_text="All that can ever be held for it.")
    available_minor = serializers.IntegerField(help_text="What the project's budget has left.")
    tiers = TierShareOut(many=True)
    eligible_experts = serializers.IntegerField()
    free_seconds_this_week = serializers.IntegerField()
    finish_p50 = serializers.DateTimeField(allow_null=True, help_text="With half of the eligible experts' hours.")
    finish_p90 = serializers.DateTimeField(allow_null=True, help_text="With a fifth of them.")
    reason = serializers.CharField(allow_blank=True, help_text="Why nobody can do it.")
    widening = WideningOut(many=True)
