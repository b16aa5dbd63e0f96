"""What was signed, and who has seen what: agreements, signatures, and the log of content served."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import User
from agreements.states import Mode, SignatureState, VersionState
from kernel.ids import TypedIdModel
from kernel.states import Stateful
from labs.models import Lab


class Agreement(TypedIdModel):
    """A confidentiality agreement under a code name; without a lab it is the house's own, for operators."""

    PREFIX: ClassVar[str] = "agr"

    lab = models.ForeignKey(Lab, models.PROTECT, null=True, blank=True, related_name="agreements")
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.LIVE)
    title = models.CharField(max_length=200)
    code_name = models.CharField(max_length=80)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="agreement_mode_known"),
            models.UniqueConstraint(fields=("mode",), condition=Q(lab__isnull=True), name="agreement_one_house"),
        )

    def __str__(self) -> str:
        """Show the code name, never the lab's."""
        return self.code_name


class AgreementVersion(TypedIdModel, Stateful):
    """One text of an agreement; once published it never changes (a trigger sees to it)."""

    PREFIX: ClassVar[str] = "avr"

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField(max_length=200_000)
    text_sha256 = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True, default="")
    urgent = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=VersionState.values), name="agreement_version_state_known"),
            models.CheckConstraint(
                condition=Q(state=VersionState.DRAFT, published_at__isnull=True)
                | (~Q(state=VersionState.DRAFT) & Q(published_at__isnull=False)),
                name="agreement_version_published_has_time",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="agreement_version_has_text"),
            models.UniqueConstraint(fields=("agreement", "number"), name="agreement_version_number_once"),
            models.UniqueConstraint(
                fields=("agreement",),
                condition=Q(state=VersionState.PUBLISHED),
                name="agreement_version_one_published",
            ),
            models.UniqueConstraint(
                fields=("agreement",), condition=Q(state=VersionState.DRAFT), name="agreement_version_one_draft"
            ),
        )

    def __str__(self) -> str:
        """Show the public id."""
        return self.public_id


class Signature(TypedIdModel, Stateful):
    """One person's signature under one version: what was typed, when, from where, under which text."""

    PREFIX: ClassVar[str] = "sig"

    user = models.ForeignKey(User, models.PROTECT, related_name="signatures")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="signatures")
    version = models.ForeignKey(AgreementVersion, models.PROTECT, related_name="signatures")
    typed_name = models.CharField(max_length=200)
    text_sha256 = models.CharField(max_length=64)
    signed_at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=400, blank=True, default="")
    revoke_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=SignatureState.values), name="signature_state_known"),
            models.CheckConstraint(
                condition=~Q(state=SignatureState.REVOKED) | ~Q(revoke_reason=""), name="signature_revoked_has_reason"
            ),
            models.UniqueConstraint(
                fields=("user", "agreement"),
                condition=Q(state=SignatureState.LIVE),
                name="signature_one_live_per_agreement",
            ),
        )

    def __str__(self) -> str:
        """Show the public id."""
        return self.public_id


class ContentAccess(models.Model):
    """Who was served which content, for what purpose, when and from where; written before bytes leave, never changed.

    Text ids only, so that the log outlives whatever it names.
    """

    viewer = models.CharField(max_length=40)
    subject = models.CharField(max_length=40)
    within = models.CharField(max_length=40, blank=True, default="")  # The task, when the subject is a part of it.
    purpose = models.CharField(max_length=300)
    agreement_version = models.UUIDField(null=True, blank=True)
    at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    count = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(purpose=""), name="content_access_has_purpose"),)
        indexes = (
            models.Index(fields=("subject", "at"), name="content_access_subject"),
            models.Index(fields=("within", "at"), condition=~Q(within=""), name="content_access_within"),
            models.Index(fields=("viewer", "at"), name="content_access_viewer"),
        )

    def __str__(self) -> str:
        """Show who saw what."""
        return f"{self.viewer} saw {self.subject}"
