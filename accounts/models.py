"""Store who signs in, what they may do, what happened, what is due, and what people were told."""

from importlib import import_module
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone

from kernel.ids import TypedIdModel

# Addresses that no letter can reach (RFC 2606): those of simulated people, and of nobody else.
SIMULATED_HOST = "@simulated.invalid"
UNUSABLE = "!"  # What Django stores where no password matches.


class UserManager(BaseUserManager["User"]):
    """Make users; the e-mail address, in lower case, is the login."""

    def create_user(self, email: str, password: str | None = None, *, name: str = "", **fields: Any) -> "User":
        """Store a user; without a password they cannot sign in by one."""
        user = self.model(email=email.strip().lower(), name=name, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user who may open the raw admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by e-mail, whatever its case."""
        return self.get(email=(username or "").lower())


class User(TypedIdModel, AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in."""

    PREFIX = "usr"
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    # What the live rows of RoleGrant say; a trigger keeps it so, and each request reads it with the user.
    operator_roles = ArrayField(models.CharField(max_length=20), default=list, editable=False)
    # Acts in labs' test mode and is nobody: has no way in, no letters, no role.
    is_simulated = models.BooleanField(default=False, db_default=False, editable=False)

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_is_lower"),
            models.CheckConstraint(
                condition=models.Q(is_simulated=False) & ~models.Q(email__endswith=SIMULATED_HOST)
                | models.Q(
                    is_simulated=True,
                    email__endswith=SIMULATED_HOST,
                    password__startswith=UNUSABLE,
                    is_staff=False,
                    is_superuser=False,
                    operator_roles=[],
                ),
                name="user_simulated_has_no_way_in",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """Give the name people see."""
        return self.name or self.email.partition("@")[0]

    def get_short_name(self) -> str:
        """Give the first word of the name."""
        return self.get_full_name().split(" ")[0]

    @property
    def initials(self) -> str:
        """Give one or two letters for the picture that is none."""
        words = self.get_full_name().split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper() if words else "?"


class Role(models.TextChoices):
    """What an operator may do; nobody holds one by holding another."""

    VETTING = "vetting", "Vetting"
    FINANCE = "finance", "Finance"
    TRUST = "trust", "Trust"
    OWNER = "owner", "Owner"


class RoleGrant(models.Model):
    """A role of an operator: who gave it, why, and until when."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_grants")
    role = models.CharField(max_length=20, choices=Role.choices)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500)
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-granted_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role"], condition=models.Q(revoked_at=None), name="rolegrant_one_live"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="rolegrant_role_known"),
            models.CheckConstraint(condition=~models.Q(granted_by=models.F("user")), name="rolegrant_not_to_oneself"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="rolegrant_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.role} for {self.user_id}"


class AuditEvent(models.Model):
    """One thing that happened: ids and states, never content; append-only."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=40, blank=True)
    acting_role = models.CharField(max_length=20, blank=True)
    verb = models.CharField(max_length=80)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=64)
    was = models.CharField(max_length=20, blank=True)
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    # The writing transaction: the sealer takes rows older than every transaction that still runs.
    xid = models.BigIntegerField(db_default=RawSQL("(pg_current_xact_id()::text::bigint)", ()), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["xid", "id"], name="audit_by_transaction"),
            models.Index(fields=["object_id", "id"], name="audit_by_object"),
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_id}"


class AuditSeal(models.Model):
    """A link of the audit's chain: the digests of all events of a range of transactions; append-only."""

    number = models.BigIntegerField(unique=True)
    from_xid = models.BigIntegerField()
    upto_xid = models.BigIntegerField()
    event_ids = ArrayField(models.BigIntegerField())
    digests = models.BinaryField()
    hash = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(upto_xid__gt=models.F("from_xid")), name="auditseal_range"),
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"


class OutboxItem(models.Model):
    """A piece of work that must happen, at least once, after the transaction that wrote it."""

    kind = models.CharField(max_length=80)
    key = models.CharField(max_length=200, null=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    run_after = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    nudged_at = models.DateTimeField(null=True)
    locked_by = models.CharField(max_length=80, blank=True)
    locked_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="outbox_one_per_key"),
            models.CheckConstraint(
                condition=models.Q(done_at=None) | models.Q(dead_at=None), name="outbox_done_or_dead"
            ),
        ]
        indexes = [
            models.Index(fields=["run_after"], condition=models.Q(done_at=None, dead_at=None), name="outbox_open"),
            models.Index(fields=["-dead_at"], condition=models.Q(dead_at__isnull=False), name="outbox_dead"),
            models.Index(fields=["done_at"], condition=models.Q(done_at__isnull=False), name="outbox_done"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Mail(models.Model):
    """A letter to be sent once; outside the demo its body is erased when it has gone."""

    key = models.CharField(max_length=200, unique=True)
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"mail {self.pk}"


class Notification(models.Model):
    """A line in somebody's inbox."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["user", "-at", "-id"], name="notification_of_user"),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="notification_unread"),
        ]

    def __str__(self) -> str:
        return f"notification {self.pk}"


class Session(AbstractBaseSession):
    """A browser that is signed in, or about to be; found by the hash of its key, and by whose it is."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions")

    class Meta:
        verbose_name = "session"

    def __str__(self) -> str:
        return "session"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """Return what reads and writes these rows: the engine of the settings."""
        return import_module(settings.SESSION_ENGINE).SessionStore  # type: ignore[no-any-return]  # found by name
