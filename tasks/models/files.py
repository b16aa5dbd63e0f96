"""Pictures and documents that a lab's tasks show: cleaned, sealed, and referenced by id from payloads."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from kernel.ids import TypedIdModel
from labs.models import Lab, Mode


class File(TypedIdModel):
    """One cleaned file of a lab, in one mode, under a data key of its own; erasing it destroys key and bytes."""

    PREFIX: ClassVar[str] = "file"

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="+", db_index=False)
    mode = models.CharField(max_length=4, choices=Mode.choices)
    media_type = models.CharField(max_length=20)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)  # Of the cleaned file, as it is served.
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    pages = models.PositiveIntegerField(null=True, blank=True)
    data_key = models.BinaryField(null=True)  # Wrapped by the master key, which is not in the database.
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="file_mode_is_known"),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True, body__isnull=False, data_key__isnull=False)
                | Q(erased_at__isnull=False, body__isnull=True, data_key__isnull=True),
                name="file_erased_has_neither_key_nor_bytes",
            ),
        )
        indexes = (models.Index(fields=("lab", "mode", "-id"), name="file_of_lab"),)

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_image(self) -> bool:
        """Tell whether it is shown on the page; a document is a link."""
        return self.media_type.startswith("image/")
