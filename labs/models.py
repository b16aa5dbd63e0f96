"""What is stored about labs: who they are, who acts for them, their keys, and what happened."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.expressions import Func

from kernel.ids import TypedIdModel
from kernel.states import Stateful


class Mode(models.TextChoices):
    """The two worlds: a row of one never meets a row of the other."""

    LIVE = "live"
    TEST = "test"


class LabState(models.TextChoices):
    """The life of a lab."""

    APPLICANT = "APPLICANT"
    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class Lab(TypedIdModel, Stateful):
    """A company that buys work."""

    PREFIX: ClassVar[str] = "lab"

    name = models.CharField(max_length=200)
    is_code_name_only = models.BooleanField(default=False)
    contact_email = models.EmailField(max_length=254)
    country = models.CharField(max_length=2)
    website = models.URLField(max_length=300, blank=True, default="")
    purpose = models.TextField(max_length=2_000, blank=True, default="")
    terms_version = models.CharField(max_length=20)
    terms_accepted_at = models.DateTimeField()
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=models.Q(state__in=LabState.values), name="lab_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(state=LabState.APPLICANT)
                | models.Q(state=LabState.CLOSED)
                | models.Q(approved_at__isnull=False),
                name="lab_at_work_was_approved",
            ),
            models.CheckConstraint(condition=models.Q(country__regex="^[A-Z]{2}$"), name="lab_country_is_iso2"),
        )

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person may do for a lab."""

    OWNER = "owner"
    MEMBER = "member"


class Member(TypedIdModel):
    """A person who acts for a lab."""

    PREFIX: ClassVar[str] = "mem"

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="lab_memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        ordering = ("added_at", "id")
        constraints = (
            models.UniqueConstraint(fields=("lab", "user"), name="one_membership_per_person"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="member_role_is_known"),
        )

    def __str__(self) -> str:
        return f"{self.public_id} ({self.role})"


class Invitation(TypedIdModel):
    """A letter that asks somebody to act for a lab; of its link only a hash is kept, and none while it is not sent."""

    PREFIX: ClassVar[str] = "inv"

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role.choices)
    token_sha256 = models.BinaryField(max_length=32, default=b"")
    letters = models.PositiveSmallIntegerField(default=0)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("lab", "email"),
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitation_role_is_known"),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None, accepted_by=None)
                | models.Q(accepted_at__isnull=False, accepted_by__isnull=False, revoked_at=None),
                name="invitation_is_over_once",
            ),
        )
        indexes = (
            models.Index(fields=("token_sha256",), condition=~models.Q(token_sha256=b""), name="invitation_by_token"),
        )

    def __str__(self) -> str:
        return self.public_id


class Scope(models.TextChoices):
    """What a key may be used for."""

    TASKS_WRITE = "tasks:write"
    RESULTS_READ = "results:read"
    FUNDS_READ = "funds:read"
    WEBHOOKS_WRITE = "webhooks:write"
    ADMIN = "admin"


class ApiKey(TypedIdModel):
    """A secret that speaks for a lab; only its hash is kept."""

    PREFIX: ClassVar[str] = "key"

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="api_keys")
    mode = models.CharField(max_length=4, choices=Mode.choices)
    label = models.CharField(max_length=100)
    key_id = models.CharField(max_length=8)
    secret_sha256 = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True)
    # Where it may be used from, as networks in CIDR form; none means anywhere.
    allowed_networks = ArrayField(models.CharField(max_length=43), default=list, db_default=[], blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("mode", "key_id"), name="one_key_per_key_id"),
            models.CheckConstraint(condition=models.Q(mode__in=Mode.values), name="api_key_mode_is_known"),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=Scope.values), name="api_key_scopes_are_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} ({self.mode})"

    @property
    def shown_start(self) -> str:
        """The part of the key that may be shown again."""
        return f"gh_{self.mode}_{self.key_id}"


class IdempotencyRecord(models.Model):
    """One Idempotency-Key: what was asked, whether it is done, and the answer to repeat."""

    lab = models.ForeignKey(Lab, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode.choices)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    fence = models.BigIntegerField(default=1)
    lease_until = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    object_id = models.CharField(max_length=64, blank=True, default="")
    status = models.SmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, blank=True, default="")
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("lab", "mode", "key"), name="one_effect_per_idempotency_key"),
            models.CheckConstraint(condition=models.Q(mode__in=Mode.values), name="idempotency_mode_is_known"),
        )
        indexes = (models.Index(fields=("created_at",), name="idempotency_by_age"),)

    def __str__(self) -> str:
        return f"idempotency record {self.pk}"


class Event(TypedIdModel):
    """A line in a lab's feed: ids and states, never content."""

    PREFIX: ClassVar[str] = "evt"

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="events")
    mode = models.CharField(max_length=4, choices=Mode.choices)
    kind = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    # The writing transaction: readers show only what is older than every running one, so a cursor never skips a
    # row that commits late.
    transaction = models.BigIntegerField(
        db_default=Func(function="txid_current", output_field=models.BigIntegerField()), editable=False
    )

    class Meta:
        ordering = ("transaction", "id")
        constraints = (models.CheckConstraint(condition=models.Q(mode__in=Mode.values), name="event_mode_is_known"),)
        indexes = (models.Index(fields=("lab", "mode", "transaction", "id"), name="event_feed"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class EndpointState(models.TextChoices):
    """Whether deliveries are made."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class WhyDisabled(models.TextChoices):
    """Who or what ended the deliveries of an endpoint."""

    BY_LAB = "by_lab"
    GONE = "gone"
    FAILING = "failing"


class WebhookEndpoint(TypedIdModel, Stateful):
    """An address of a lab's that is told of events as they happen."""

    PREFIX: ClassVar[str] = "whe"

    lab = models.ForeignKey(Lab, on_delete=models.PROTECT, related_name="webhook_endpoints")
    mode = models.CharField(max_length=4, choices=Mode.choices)
    url = models.CharField(max_length=2_000)
    description = models.CharField(max_length=200, blank=True, default="")
    kinds = ArrayField(models.CharField(max_length=60), default=list, blank=True)  # None chosen means every kind.
    # Sealed, not hashed: each delivery is signed with it. The one before signs too until its time is over.
    secret = models.TextField()
    old_secret = models.TextField(blank=True, default="")
    old_secret_until = models.DateTimeField(null=True, blank=True)
    disabled_because = models.CharField(max_length=10, choices=WhyDisabled.choices, blank=True, default="")
    failing_since = models.DateTimeField(null=True, blank=True)  # The first failure since the last success.
    rests_until = models.DateTimeField(null=True, blank=True)  # After a time-out, so that it holds up nobody else.
    turn_until = models.DateTimeField(null=True, blank=True)  # One worker at a time delivers to an endpoint.
    turn_holder = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=models.Q(mode__in=Mode.values), name="webhook_endpoint_mode_is_known"),
            models.CheckConstraint(
                condition=models.Q(state=EndpointState.ENABLED, disabled_because="")
                | models.Q(state=EndpointState.DISABLED, disabled_because__in=WhyDisabled.values),
                name="webhook_endpoint_says_why_disabled",
            ),
            models.CheckConstraint(
                condition=models.Q(removed_at__isnull=True)
                | models.Q(state=EndpointState.DISABLED, secret="", old_secret=""),
                name="webhook_endpoint_removed_has_no_secret",
            ),
        )
        indexes = (
            models.Index(
                fields=("lab", "mode"), condition=models.Q(removed_at__isnull=True), name="webhook_endpoints_of_a_lab"
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class DeliveryState(models.TextChoices):
    """How far a delivery is."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class WebhookDelivery(TypedIdModel, Stateful):
    """One event on its way to one endpoint, through however many attempts."""

    PREFIX: ClassVar[str] = "dlv"

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    attempts = models.IntegerField(default=0)  # Since it was made, or was last asked for again.
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    replays = models.IntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("event", "endpoint"), name="one_delivery_per_event_and_endpoint"),
            models.CheckConstraint(
                condition=models.Q(state=DeliveryState.PENDING, next_attempt_at__isnull=False)
                | models.Q(state__in=(DeliveryState.DELIVERED, DeliveryState.FAILED), next_attempt_at__isnull=True),
                name="webhook_delivery_pending_has_its_time",
            ),
        )
        indexes = (
            models.Index(
                fields=("endpoint", "next_attempt_at"),
                condition=models.Q(state=DeliveryState.PENDING),
                name="webhook_deliveries_pending",
            ),
            models.Index(fields=("endpoint", "-id"), name="webhook_deliveries_newest"),
            models.Index(fields=("created_at",), name="webhook_deliveries_by_age"),
        )

    def __str__(self) -> str:
        return self.public_id


class WebhookAttempt(models.Model):
    """One request to an endpoint and what came of it: the log that the lab reads."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    started_at = models.DateTimeField()
    duration_ms = models.IntegerField()
    status = models.SmallIntegerField(null=True)  # None where no answer came; then ``error`` says why.
    error = models.CharField(max_length=60, blank=True, default="")
    answer = models.TextField(blank=True, default="")  # The first KiB.

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"attempt {self.pk}"
