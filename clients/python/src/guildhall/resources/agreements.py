"""Agreements: what experts sign before they see anything."""

from __future__ import annotations

from collections.abc import Iterator

from guildhall.models import Agreement, AgreementVersion, AgreementWithSigners, Signer
from guildhall.resources.resource import Resource, given


class Agreements(Resource):
    """Agreements and their versions; a published version never changes."""

    def all(self) -> Iterator[Agreement]:
        """Yield every agreement, newest first."""
        return self._transport.pages("/agreements")

    def get(self, agreement: str) -> AgreementWithSigners:
        """Return an agreement, and how many experts have signed it."""
        found: AgreementWithSigners = self._transport.get(f"/agreements/{agreement}")
        return found

    def create(self, *, title: str, code_name: str, idempotency_key: str | None = None) -> Agreement:
        """Make an agreement, which has no text yet."""
        values = given(title=title, code_name=code_name)
        made: Agreement = self._transport.post("/agreements", values, key=idempotency_key)
        return made

    def signers(self, agreement: str) -> Iterator[Signer]:
        """Yield signatures by pseudonym, newest first; one that is not in force says so by its state."""
        return self._transport.pages(f"/agreements/{agreement}/signers")

    def versions(self, agreement: str) -> Iterator[AgreementVersion]:
        """Yield the texts of an agreement, newest first."""
        return self._transport.pages(f"/agreements/{agreement}/versions")

    def draft_version(
        self, agreement: str, *, text: str, note: str = "", urgent: bool = False, idempotency_key: str | None = None
    ) -> AgreementVersion:
        """Draft a text in Markdown; an urgent one stops work under the one before it once it is published."""
        values = given(text=text, note=note or None, urgent=urgent or None)
        made: AgreementVersion = self._transport.post(f"/agreements/{agreement}/versions", values, key=idempotency_key)
        return made

    def publish_version(self, agreement: str, version: str, *, idempotency_key: str | None = None) -> AgreementVersion:
        """Publish a draft for good."""
        path = f"/agreements/{agreement}/versions/{version}:publish"
        published: AgreementVersion = self._transport.post(path, key=idempotency_key)
        return published
