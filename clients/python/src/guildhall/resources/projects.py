"""Projects: a kind of task, a field, a tier, an agreement, instructions and a budget."""

from __future__ import annotations

from collections.abc import Iterator

from guildhall.models import (
    Budget,
    Guideline,
    NewProject,
    Project,
    ProjectChanges,
    ProjectState,
    Quality,
    Question,
)
from guildhall.resources.resource import Resource, given


class Projects(Resource):
    """Projects, and what belongs to one: guidelines, questions, quality, budget."""

    def all(self, *, state: ProjectState | None = None) -> Iterator[Project]:
        """Yield projects, newest first."""
        return self._transport.pages("/projects", {"state": state})

    def get(self, project: str) -> Project:
        """Return a project."""
        found: Project = self._transport.get(f"/projects/{project}")
        return found

    def create(self, settings: NewProject, *, idempotency_key: str | None = None) -> Project:
        """Make a project; what is left out of its settings follows from the rest."""
        made: Project = self._transport.post("/projects", settings, key=idempotency_key)
        return made

    def update(self, project: str, changes: ProjectChanges) -> Project:
        """Change settings, as far as the project's state allows."""
        changed: Project = self._transport.patch(f"/projects/{project}", changes)
        return changed

    def launch(self, project: str, *, idempotency_key: str | None = None) -> Project:
        """Offer the project's work; a refusal (``launch_refused``) lists all that is missing."""
        return self._move(project, "launch", idempotency_key)

    def pause(self, project: str, *, idempotency_key: str | None = None) -> Project:
        """Hand nothing more out, in any batch."""
        return self._move(project, "pause", idempotency_key)

    def resume(self, project: str, *, idempotency_key: str | None = None) -> Project:
        """Hand out again."""
        return self._move(project, "resume", idempotency_key)

    def close(self, project: str, *, idempotency_key: str | None = None) -> Project:
        """End the project for good; its batches must be over."""
        return self._move(project, "close", idempotency_key)

    def guidelines(self, project: str) -> Iterator[Guideline]:
        """Yield the versions of the instructions, newest first."""
        return self._transport.pages(f"/projects/{project}/guidelines")

    def publish_guideline(
        self, project: str, *, text: str, note: str = "", idempotency_key: str | None = None
    ) -> Guideline:
        """Publish instructions in Markdown; experts read them before they go on."""
        values = given(text=text, note=note or None)
        made: Guideline = self._transport.post(f"/projects/{project}/guidelines", values, key=idempotency_key)
        return made

    def questions(self, project: str, *, answered: bool | None = None) -> Iterator[Question]:
        """Yield what experts asked, newest first."""
        return self._transport.pages(f"/projects/{project}/questions", {"answered": answered})

    def answer_question(
        self, project: str, question: str, *, text: str, is_public: bool = False, idempotency_key: str | None = None
    ) -> Question:
        """Answer a question once: the asker alone, or everybody on the project."""
        path = f"/projects/{project}/questions/{question}:answer"
        answered: Question = self._transport.post(path, {"text": text, "is_public": is_public}, key=idempotency_key)
        return answered

    def quality(self, project: str) -> Quality:
        """Return agreement, gold score, pace, times and decisions."""
        found: Quality = self._transport.get(f"/projects/{project}/quality")
        return found

    def budget(self, project: str) -> Budget:
        """Return the project's money, in minor units."""
        found: Budget = self._transport.get(f"/projects/{project}/budget")
        return found

    def allocate(self, project: str, *, amount_minor: int, currency: str, idempotency_key: str | None = None) -> Budget:
        """Move money from the balance to the project's budget."""
        return self._fund(project, "allocate", amount_minor, currency, idempotency_key)

    def deallocate(
        self, project: str, *, amount_minor: int, currency: str, idempotency_key: str | None = None
    ) -> Budget:
        """Take money that nothing holds back to the balance."""
        return self._fund(project, "deallocate", amount_minor, currency, idempotency_key)

    def _move(self, project: str, verb: str, key: str | None) -> Project:
        moved: Project = self._transport.post(f"/projects/{project}:{verb}", key=key)
        return moved

    def _fund(self, project: str, verb: str, amount_minor: int, currency: str, key: str | None) -> Budget:
        values = {"amount": {"amount_minor": amount_minor, "currency": currency}}
        changed: Budget = self._transport.post(f"/projects/{project}/budget:{verb}", values, key=key)
        return changed
