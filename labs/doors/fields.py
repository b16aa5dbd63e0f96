"""What a labs' endpoint takes from outside: fields that guess nothing, in serializers that take nothing unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rest_framework import serializers

from kernel import guards
from kernel.errors import Invalid


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses what it has no field for, by name, and anything that is not an object."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate ``data``; name each unknown field."""
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": ["Send a JSON object."]}, code="wrong_type")
        known = {name for name, field in self.fields.items() if not field.read_only}
        unknown = {
            str(name): [serializers.ErrorDetail("There is no field of this name.", code="unknown_field")]
            for name in data
            if name not in known
        }
        if unknown:
            raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


def guarded(check: Callable[[], Any]) -> Any:
    """Run a kernel guard and hand its first complaint to the framework."""
    try:
        return check()
    except Invalid as refusal:
        first = refusal.errors[0]
        raise serializers.ValidationError(first.detail, code=first.code) from refusal


class SafeCharField(serializers.CharField):
    """Text of several lines: a string, without NUL or lone surrogates, kept as it came."""

    def __init__(self, *, max_length: int, min_length: int = 0, **options: Any) -> None:
        self.most, self.least = max_length, min_length
        options.setdefault("allow_blank", min_length == 0)
        super().__init__(max_length=max_length, min_length=min_length or None, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the text, or say what is wrong with it."""
        if not isinstance(data, str):
            raise serializers.ValidationError("This is not a text.", code="wrong_type")
        value = guarded(
            lambda: guards.clean_text(data, name=self._where(), max_length=self.most, min_length=self.least)
        )
        return str(value)

    def _where(self) -> str:
        return str(self.field_name or "value")


class SafeNameField(serializers.CharField):
    """A name of one line: NFC, stripped, without control, bidi or zero-width characters."""

    def __init__(self, *, max_length: int = 200, **options: Any) -> None:
        self.most = max_length
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the name, or say what is wrong with it."""
        if not isinstance(data, str):
            raise serializers.ValidationError("This is not a text.", code="wrong_type")
        if not data.strip() and self.allow_blank:
            return ""
        name = str(self.field_name or "value")
        return str(guarded(lambda: guards.clean_name(data, name=name, max_length=self.most)))


class SafeIntegerField(serializers.IntegerField):
    """A whole number: no text, no true, no 1.5."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number, or say that it is none."""
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("This is not a whole number.", code="wrong_type")
        return data


class SafeBooleanField(serializers.BooleanField):
    """True or false, and nothing that looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the flag, or say that it is none."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("This is neither true nor false.", code="wrong_type")
        return data


class SafeChoiceField(serializers.ChoiceField):
    """One of some words."""

    def to_internal_value(self, data: Any) -> str:
        """Return the word, or name those that can be chosen."""
        if not isinstance(data, str) or data not in self.choices:
            words = ", ".join(str(word) for word in self.choices)
            raise serializers.ValidationError(f"Choose one of: {words}.", code="unknown_value")
        return data


class SafeTimeField(serializers.DateTimeField):
    """A moment in RFC 3339, with its zone, in years the database can give back."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return the moment, or say what is wrong with it."""
        if not isinstance(value, str) or not value.isascii() or len(value) > 40:
            raise serializers.ValidationError("Write the time as 2026-11-22T12:00:00Z.", code="wrong_type")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise serializers.ValidationError("Write the time as 2026-11-22T12:00:00Z.", code="wrong_form") from error
        if moment.tzinfo is None:
            raise serializers.ValidationError("Write the zone as well: Z, or +01:00.", code="wrong_form")
        checked: datetime = guarded(lambda: guards.clean_time(moment))
        return checked


class SafeJSONField(serializers.JSONField):
    """Any JSON that the kernel's guard lets through."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the value, or say what is wrong with it."""
        guarded(lambda: guards.check_json(data, str(self.field_name or "value")))
        return data


class WordsField(serializers.ListField):
    """A list of short names, each once."""

    def __init__(self, *, max_items: int = 50, max_word: int = 60, **options: Any) -> None:
        super().__init__(child=SafeNameField(max_length=max_word), max_length=max_items, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the list, or say what is wrong with it."""
        if not isinstance(data, list):
            raise serializers.ValidationError("This is not a list.", code="wrong_type")
        words: list[str] = super().to_internal_value(data)
        if len(set(words)) != len(words):
            raise serializers.ValidationError("A value is given twice.", code="duplicate")
        return words


class MoneySerializer(StrictSerializer):
    """Money in minor units: ``{"amount_minor": 1050, "currency": "USD"}``."""

    amount_minor = SafeIntegerField(min_value=-(2**53), max_value=2**53)
    currency = serializers.RegexField(r"^[A-Z]{3}$", max_length=3)
