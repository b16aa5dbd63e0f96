"""Files as the API shows them."""

from __future__ import annotations

from rest_framework import serializers

from labs.models import Mode
from tasks.cleaning.bounds import MEDIA_TYPES
from tasks.models import File


class FileOut(serializers.ModelSerializer[File]):
    """A cleaned file; images have a size in pixels, documents have pages."""

    id = serializers.CharField(source="public_id", read_only=True)
    mode = serializers.ChoiceField(choices=Mode.choices, read_only=True)
    media_type = serializers.ChoiceField(choices=[(each, each) for each in MEDIA_TYPES], read_only=True)

    class Meta:
        model = File
        fields = ("id", "mode", "media_type", "size_bytes", "sha256", "width", "height", "pages", "created_at")
        read_only_fields = fields
