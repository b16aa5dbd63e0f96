"""Agreements as labs write and publish them by API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agreements import actions
from agreements.models import Agreement, AgreementVersion, Signature
from agreements.queries import agreements_of, count_signers, signers_of, versions_of
from agreements.states import SignatureState, VersionState
from experts.pseudonyms import pseudonym
from kernel.db import app_now
from labs.doors import (
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    Nothing,
    SafeBooleanField,
    SafeCharField,
    SafeNameField,
    StrictSerializer,
    keyset_page,
    page_of,
    refuse_unknown_parameters,
    rows_as,
)
from labs.models import Mode, Scope

TAG = ["agreements"]


class AgreementIn(StrictSerializer):
    """A new agreement; its text comes with its first version."""

    title = SafeNameField()
    code_name = SafeNameField(max_length=80, help_text="What experts see instead of your name.")


class VersionIn(StrictSerializer):
    """A text, in Markdown; it can be changed until it is published, and never after."""

    text = SafeCharField(max_length=200_000, min_length=1)
    note = SafeCharField(required=False, max_length=500, default="")
    urgent = SafeBooleanField(required=False, default=False, help_text="Pause live claims until it is signed.")


class VersionOut(serializers.ModelSerializer[AgreementVersion]):
    """A version of an agreement."""

    id = serializers.CharField(source="public_id", read_only=True)
    agreement = serializers.CharField(source="agreement.public_id", read_only=True)
    state = serializers.ChoiceField(choices=VersionState.choices, read_only=True)

    class Meta:
        model = AgreementVersion
        fields = ("id", "agreement", "number", "state", "text", "text_sha256", "note", "urgent", "created_at",
                  "published_at")  # fmt: skip
        read_only_fields = fields


class AgreementOut(serializers.ModelSerializer[Agreement]):
    """An agreement."""

    id = serializers.CharField(source="public_id", read_only=True)
    mode = serializers.ChoiceField(choices=Mode.choices, read_only=True)

    class Meta:
        model = Agreement
        fields: tuple[str, ...] = ("id", "mode", "title", "code_name", "created_at")
        read_only_fields = fields


class SignersOut(serializers.Serializer[dict[str, int]]):
    """How many experts have signed."""

    in_force = serializers.IntegerField(help_text="Signatures in force, of any version.")
    of_newest = serializers.IntegerField(help_text="Those of the version published now.")


class AgreementWithSignersOut(AgreementOut):
    """An agreement, and how many experts have signed it."""

    signers = SignersOut()

    class Meta(AgreementOut.Meta):
        fields = (*AgreementOut.Meta.fields, "signers")
        read_only_fields = fields


class SignerOut(serializers.ModelSerializer[Signature]):
    """An expert's signature: who, by pseudonym, of which version, and whether it is in force."""

    id = serializers.CharField(source="public_id", read_only=True)
    expert = serializers.SerializerMethodField(
        help_text="A pseudonym: the same within an agreement, another elsewhere."
    )
    version = serializers.IntegerField(source="version.number", read_only=True)
    state = serializers.ChoiceField(choices=SignatureState.choices, read_only=True)

    class Meta:
        model = Signature
        fields = ("id", "expert", "version", "state", "signed_at")
        read_only_fields = fields

    def get_expert(self, signature: Signature) -> str:
        """Name the expert as this agreement's lab may."""
        return pseudonym(signature.agreement_id, signature.user.expert.pk)


class AgreementView(LabView):
    """A view about the caller's agreements."""

    scopes = {"GET": None, "POST": Scope.TASKS_WRITE}

    def rows(self) -> QuerySet[Agreement]:
        """List the caller's agreements."""
        return agreements_of(self.lab).filter(mode=self.key.mode)

    def one(self, agreement_id: UUID) -> Agreement:
        """Return one of the caller's agreements, or nothing at all."""
        found = self.rows().filter(pk=agreement_id).first()
        if found is None:
            raise Http404
        return found


class Agreements(AgreementView):
    """All agreements."""

    @extend_schema(
        operation_id="list_agreements",
        tags=TAG,
        parameters=list(PAGING),
        responses={200: page_of(AgreementOut), **READ},
    )
    def get(self, request: Request) -> Response:
        """List agreements, newest first."""
        return Response(keyset_page(request, self.rows(), rows_as(AgreementOut)))

    @extend_schema(
        operation_id="create_agreement",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=AgreementIn,
        responses={201: AgreementOut, **WRITE},
    )
    def post(self, request: Request) -> Response:
        """Open an agreement under a code name; write its text as a version, then publish that."""
        values = self.body(AgreementIn)
        agreement = actions.draft_agreement(self.lab, mode=self.key.mode, by=self.key, now=app_now(), **values)
        return Response(shown(agreement), status=201)

    def rebuilt(self, object_id: str) -> Response:
        """Show the agreement that an earlier request made."""
        return Response(shown(self.one(Agreement.parse_id(object_id))), status=201)


class OneAgreement(AgreementView):
    """One agreement."""

    @extend_schema(operation_id="get_agreement", tags=TAG, responses={200: AgreementWithSignersOut, **READ})
    def get(self, request: Request, agreement_id: UUID) -> Response:
        """Show an agreement, and how many experts have signed it."""
        refuse_unknown_parameters(request, ())
        agreement = self.one(agreement_id)
        return Response(shown(agreement) | {"signers": count_signers(agreement)})


class Signers(AgreementView):
    """Who has signed an agreement."""

    @extend_schema(
        operation_id="list_agreement_signers",
        tags=TAG,
        parameters=list(PAGING),
        responses={200: page_of(SignerOut), **READ},
    )
    def get(self, request: Request, agreement_id: UUID) -> Response:
        """List experts' signatures by pseudonym, newest first; an earlier or ended one says so by its state."""
        return Response(keyset_page(request, signers_of(self.one(agreement_id)), rows_as(SignerOut)))


class Versions(AgreementView):
    """The texts of an agreement."""

    @extend_schema(
        operation_id="list_agreement_versions",
        tags=TAG,
        parameters=list(PAGING),
        responses={200: page_of(VersionOut), **READ},
    )
    def get(self, request: Request, agreement_id: UUID) -> Response:
        """List an agreement's versions, newest first."""
        return Response(keyset_page(request, versions_of(self.one(agreement_id)), rows_as(VersionOut)))

    @extend_schema(
        operation_id="draft_agreement_version",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=VersionIn,
        responses={201: VersionOut, **WRITE},
    )
    def post(self, request: Request, agreement_id: UUID) -> Response:
        """Write the next version as a draft, in place of a draft that was there."""
        agreement = self.one(agreement_id)
        version = actions.draft_version(agreement, by=self.key, now=app_now(), **self.body(VersionIn))
        return Response(shown_version(version), status=201)

    def rebuilt(self, object_id: str) -> Response:
        """Show the version that an earlier request wrote."""
        version = versions_of(self.one(self.kwargs["agreement_id"])).get(pk=AgreementVersion.parse_id(object_id))
        return Response(shown_version(version), status=201)


class PublishVersion(AgreementView):
    """A version made final."""

    @extend_schema(
        operation_id="publish_agreement_version",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=None,
        responses={200: VersionOut, **WRITE},
    )
    def post(self, request: Request, agreement_id: UUID, version_id: UUID) -> Response:
        """Publish a draft: its text never changes again, and new claims need a signature of it."""
        self.body(Nothing)
        version = self.version(agreement_id, version_id)
        actions.publish_version(version, by=self.key, now=app_now())
        return Response(shown_version(version))

    def version(self, agreement_id: UUID, version_id: UUID) -> AgreementVersion:
        """Return one version of one of the caller's agreements, or nothing at all."""
        found = versions_of(self.one(agreement_id)).filter(pk=version_id).first()
        if found is None:
            raise Http404
        return found

    def rebuilt(self, object_id: str) -> Response:
        """Show the version that an earlier request published."""
        return Response(shown_version(self.version(**self.kwargs)))


def shown(agreement: Agreement) -> dict[str, Any]:
    """Show an agreement."""
    return dict(AgreementOut(agreement).data)


def shown_version(version: AgreementVersion) -> dict[str, Any]:
    """Show a version."""
    return dict(VersionOut(version).data)
