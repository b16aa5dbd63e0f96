"""What the browser sends to the doors of work, read strictly: each wrong field is named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from experts.states import CaseKind, CaseOutcome
from kernel.errors import FieldError, Invalid
from kernel.guards import NameField, TextField, clean_text, load_json
from tasks.actions.submissions import Answer
from tasks.kinds.base import Json, Kind
from tasks.models import Decision, IngestMode, Project, RejectCategory
from tasks.rules import REJECT_NOTES_MIN
from tasks.spending import DIMENSIONS

MAX_ANSWER_BYTES = 2_000_000
MAX_TEXT = 500_000
MAX_NOTES = 20_000
MAX_QUESTION = 5_000
MAX_REPLY = 20_000

SKIP_REASONS = (
    ("outside_my_field", "It is outside what I know"),
    ("not_enough_given", "The task lacks something it needs"),
    ("conflict", "I know the people or have an interest in it"),
    ("content", "I would rather not work with this content"),
    ("no_time", "I have no time to finish"),
    ("other", "Something else"),
)
FIELDS_OF_TEXT = {"demonstration": ("answer", "justification"), "creative": ("piece", "notes")}

F = TypeVar("F", bound=forms.Form)


class BeatForm(forms.Form):
    """A heartbeat of the page."""

    fence = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    nonce = NameField(max_length=40)
    counter = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    is_visible = forms.BooleanField(required=False)
    had_input = forms.BooleanField(required=False)
    queued = forms.IntegerField(min_value=0, max_value=10_000)


class DraftForm(forms.Form):
    """An unsubmitted answer and the revision it grew from."""

    revision = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    body = forms.Field()
    is_forced = forms.BooleanField(required=False)  # The expert saw the newer draft and keeps this one.

    def clean_body(self) -> Json:
        """Take an object only."""
        body = self.cleaned_data["body"]
        if not isinstance(body, dict):
            raise forms.ValidationError("A draft is an object.", code="type")
        return body


class ExtendForm(forms.Form):
    """What to make longer: the lease, or the cap by a quarter."""

    what = forms.ChoiceField(choices=[("lease", "lease"), ("cap", "cap")])
    fence = forms.IntegerField(min_value=0, max_value=2**31 - 1)


class SwitchForm(forms.Form):
    """Research or a pause, begun or ended."""

    on = forms.BooleanField(required=False)
    fence = forms.IntegerField(min_value=0, max_value=2**31 - 1)


class PreviewForm(forms.Form):
    """Markdown to show as it will look."""

    text = TextField(max_length=MAX_TEXT, required=False)


class ReleaseForm(forms.Form):
    """Why a claim is given back."""

    reason = forms.ChoiceField(choices=SKIP_REASONS)
    words = NameField(max_length=150, required=False)

    def sentence(self) -> str:
        """Return the reason as it is kept: the chosen words, and the expert's own."""
        chosen = dict(SKIP_REASONS)[self.cleaned_data["reason"]]
        words = self.cleaned_data["words"]
        return f"{chosen}: {words}" if words else chosen


class ClaimForm(forms.Form):
    """Which work to claim: of a batch, or of a project; work or a review."""

    kind = forms.ChoiceField(choices=[("work", "work"), ("review", "review")])
    batch = NameField(max_length=40, required=False)
    project = NameField(max_length=40, required=False)


class OfferForm(forms.Form):
    """An expert's answer to an offer."""

    answer = forms.ChoiceField(choices=[("accept", "accept"), ("decline", "decline")])


class FenceForm(forms.Form):
    """The fence of the stretch of work that a submission ends."""

    fence = forms.IntegerField(min_value=0, max_value=2**31 - 1)


class VerbForm(forms.Form):
    """What to do with a project or a batch: one of the verbs its page offers."""

    verb = forms.ChoiceField()

    def __init__(self, data: QueryDict, *, verbs: Sequence[str]) -> None:
        super().__init__(data)
        self.fields["verb"] = forms.ChoiceField(choices=[(verb, verb) for verb in verbs])


class UploadForm(forms.Form):
    """A file of tasks, and what one bad line means for the others; a script sends the file as the body."""

    mode = forms.ChoiceField(choices=IngestMode.choices)
    tasks = forms.FileField(required=False, allow_empty_file=True)


class CaseForm(forms.Form):
    """What to ask a person about finished work, and why."""

    kind = forms.ChoiceField(choices=CaseKind.choices)
    words = TextField(
        label="What happened",
        max_length=5_000,
        error_messages={"required": "Say what happened, and what you ask for."},
    )


class AppealForm(forms.Form):
    """Why a second person should look."""

    words = TextField(
        label="What the decision overlooked",
        max_length=5_000,
        error_messages={"required": "Say what the decision overlooked."},
    )


class WithholdForm(forms.Form):
    """Whose pay for which work to withhold, and why."""

    claim = NameField(max_length=40)
    words = TextField(
        label="The rule and the evidence",
        max_length=5_000,
        error_messages={"required": "Name the rule and the evidence."},
    )


class CaseDecisionForm(forms.Form):
    """A decision on a case: the outcome, minutes to add, and the reasons that both sides read."""

    outcome = forms.ChoiceField(choices=CaseOutcome.choices)
    minutes = forms.IntegerField(label="Minutes to add", min_value=0, max_value=10_000, required=False)
    reasons = TextField(max_length=5_000, error_messages={"required": "Give your reasons: both sides read them."})


class QuestionForm(forms.Form):
    """What an expert asks."""

    text = TextField(max_length=MAX_QUESTION)


class AnswerForm(forms.Form):
    """What a lab answers, and whether everybody on the project reads it."""

    text = TextField(max_length=MAX_REPLY)
    is_public = forms.BooleanField(required=False)


class ExportForm(forms.Form):
    """In which shape and format a file of accepted work is wanted."""

    shape = forms.ChoiceField()
    format = forms.ChoiceField(choices=[("jsonl", "JSON Lines"), ("parquet", "Parquet")], required=False)

    def clean_format(self) -> str:
        """Take JSON Lines where nothing is chosen."""
        return str(self.cleaned_data["format"] or "jsonl")

    def __init__(self, data: QueryDict, *, shapes: Sequence[str]) -> None:
        super().__init__(data)
        self.fields["shape"] = forms.ChoiceField(choices=[(shape, shape) for shape in shapes])


class SpendForm(forms.Form):
    """How a lab wants its spend cut; what is not given, or not understood, is the default."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), required=False, empty_label="All projects")
    since = forms.DateField(label="From the week of", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To the week of", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    cut = forms.MultipleChoiceField(
        label="Cut by",
        choices=[(each, each.title()) for each in DIMENSIONS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        initial=["project", "week"],
    )

    def __init__(self, *args: Any, projects: QuerySet[Project], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["project"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = projects

    def chosen(self) -> dict[str, Any]:
        """Return what was understood: a project's key, and the Mondays of two weeks."""
        data = self.cleaned_data if self.is_bound and not self.errors else {}
        project, since, until = data.get("project"), data.get("since"), data.get("until")
        return {
            "project": project.pk if project else None,
            "since": since and since - timedelta(days=since.weekday()),
            "until": until,
        }

    def by(self) -> list[str]:
        """Return what to cut by, in the order of the columns."""
        data = self.cleaned_data if self.is_bound and not self.errors else {}
        return [each for each in DIMENSIONS if each in (data.get("cut") or ["project", "week"])]


class DecisionForm(forms.Form):
    """A reviewer's decision, with what each decision asks for."""

    fence = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=Decision.choices)
    category = forms.ChoiceField(
        choices=[("", "Choose one to reject"), *RejectCategory.choices], required=False, label="Category"
    )
    notes = TextField(
        max_length=MAX_NOTES,
        required=False,
        label="Notes",
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text="The expert reads them; you stay unnamed.",
    )

    def clean(self) -> dict[str, Any]:
        """Ask for notes with a return, and for a category and enough words with a rejection."""
        cleaned = super().clean() or {}
        decision, notes = cleaned.get("decision"), cleaned.get("notes", "")
        if decision == Decision.RETURN and not notes:
            self.add_error("notes", "Say what the expert should change: a return asks for notes.")
        if decision == Decision.REJECT and not cleaned.get("category"):
            self.add_error("category", "Choose why it is rejected.")
        if decision == Decision.REJECT and len(notes) < REJECT_NOTES_MIN:
            left = REJECT_NOTES_MIN - len(notes)
            self.add_error("notes", f"Write at least {REJECT_NOTES_MIN} characters to reject; {left} to go.")
        return cleaned


def read_json(request: HttpRequest, form_class: type[F]) -> F:
    """Return the valid form of a JSON body; raise Invalid that names each wrong or unknown field."""
    body = load_json(request.body, max_bytes=MAX_ANSWER_BYTES, name="")
    if not isinstance(body, dict):
        raise Invalid([FieldError("", "type", "Send an object.")])
    unknown = sorted(set(body) - set(form_class.base_fields))
    if unknown:
        raise Invalid([FieldError(f"/{name[:80]}", "unknown_field", "There is no such field.") for name in unknown])
    form = form_class(body)
    require_valid(form)
    return form


def require_valid(form: forms.Form) -> None:
    """Raise Invalid that names each wrong field of a form."""
    if form.is_valid():
        return
    raise Invalid(
        [
            FieldError(f"/{name}" if name != NON_FIELD_ERRORS else "", error.code or "invalid", message)
            for name, errors in form.errors.as_data().items()
            for error in errors
            for message in error.messages
        ]
    )


def read_submission(posted: QueryDict, kind: Kind) -> Answer:
    """Return what a workbench form hands in."""
    return Answer(read_answer(posted, kind), read_attestations(posted, kind))


def read_answer(posted: QueryDict, kind: Kind) -> Json:
    """Return the answer a workbench form holds: the script's JSON, or the plain fields of a page without one."""
    raw = posted.get("response", "")
    if raw:
        value = load_json(raw.encode("utf-8", "surrogatepass"), max_bytes=MAX_ANSWER_BYTES, name="/response")
        if not isinstance(value, dict):
            raise Invalid([FieldError("/response", "type", "An answer is an object.")])
        return value
    return _plain_answer(posted, kind)


def _plain_answer(posted: QueryDict, kind: Kind) -> Json:
    if kind.name not in FIELDS_OF_TEXT:
        raise Invalid([FieldError("/response", "needs_script", "Marking spans needs JavaScript; your draft is kept.")])
    text_name, notes_name = FIELDS_OF_TEXT[kind.name]
    answer: Json = {text_name: plain_text(posted, text_name)}
    notes = plain_text(posted, notes_name)
    if notes:
        answer[notes_name] = notes
    citations = [{"citation": line.strip()} for line in plain_text(posted, "sources").splitlines() if line.strip()]
    if citations:
        answer["citations"] = citations
    return answer


def plain_text(posted: QueryDict, name: str) -> str:
    """Return a long text of a plain form field, under the rules of text from outside."""
    text = posted.get(name, "").replace("\r\n", "\n").strip()
    return clean_text(text, name=f"/{name}", max_length=MAX_TEXT)


def read_attestations(posted: QueryDict, kind: Kind) -> dict[str, bool]:
    """Return which of the kind's statements are ticked."""
    return {name: True for name in kind.attestations if posted.get(f"attest_{name}") == "1"}
