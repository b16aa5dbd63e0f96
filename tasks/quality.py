"""How good a project's work is: agreement by tag, gold, pace, times, returns and rejections, for its lab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import orjson
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum

from agreements.gate import open_for_lab
from kernel.sealing import Sealed
from tasks import content
from tasks.agreement_stats import Statistic, ac1, alpha, table
from tasks.kinds import registry
from tasks.kinds.base import Json, Measure
from tasks.models import Claim, Project, Submission, WorkKind
from tasks.states import ClaimState

MOST_ANSWERS: Final = 20_000
PACE: Final = timedelta(days=7)
COMPARED: Final = (ClaimState.SUBMITTED, ClaimState.ACCEPTED)
FREE_TEXT: Final = "Answers of this kind are free text: there is nothing to compare them by."
NO_GOLD: Final = "No task with a right answer of its own has been answered."
NOTHING_DECIDED: Final = "Nothing has been decided yet."


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as its expert handed it in, and the right one where the lab gave one."""

    task: object
    tags: tuple[str, ...]
    response: Json
    gold: Json | None


def quality_of(project: Project, *, by: str, at: datetime) -> Json:
    """Return the figures of a project; the newest 20,000 answers are compared, after one access row for them all."""
    kind = registry.get(project.kind)
    found = newest_answers(project)
    compared = list(_opened(project, found[:MOST_ANSWERS], by=by, at=at)) if kind.measures else []
    return {
        "project": project.public_id,
        "kind": kind.name,
        "as_of": at,
        "answers_compared": len(compared),
        "is_partial": bool(kind.measures) and found.count() > MOST_ANSWERS,
        "agreement": list(_agreement(kind.measures, compared)),
        "agreement_reason": "" if kind.measures else FREE_TEXT,
        "gold": _gold(kind.measures, compared),
        "pace": _pace(project, at),
        "active_seconds": _times(project),
        "decisions": _decisions(project),
    }


def newest_answers(project: Project) -> QuerySet[Submission]:
    """List the newest version of every answer that waits or was accepted, newest first."""
    newest = Submission.objects.filter(claim=OuterRef("claim")).order_by().values("claim").annotate(Max("version"))
    answers = Submission.objects.filter(
        claim__project=project,
        claim__kind=WorkKind.WORK,
        claim__state__in=COMPARED,
        version=Subquery(newest.values("version__max")[:1]),
    )
    # Of a task no more than is compared: there are many, and a payload has up to a megabyte.
    read = ("response", "claim__task__tags", "claim__task__gold")
    return answers.select_related("claim__task").only(*read).order_by("-submitted_at", "-pk")


def _opened(project: Project, found: QuerySet[Submission], *, by: str, at: datetime) -> Iterator[Answer]:
    rows = list(found)
    sealed = [part for row in rows for part in _parts(project, row)]
    if not rows:
        return
    opened = open_for_lab(
        project.lab,
        by=by,
        subject=project.public_id,
        purpose="quality",
        at=at,
        contents=sealed,
        count=len(rows),
    )
    for row in rows:
        task, response = row.claim.task, orjson.loads(next(opened))
        gold = orjson.loads(next(opened)) if task.gold is not None else None
        yield Answer(task.pk, tuple(task.tags), response, gold)


def _parts(project: Project, row: Submission) -> list[Sealed]:
    task = row.claim.task
    parts = [content.response_of(row, project)]
    if task.gold is not None:
        parts.append(Sealed(bytes(project.data_key), bytes(task.gold), f"{task.public_id}/gold"))
    return parts


def _agreement(measures: tuple[Measure, ...], answers: list[Answer]) -> Iterator[Json]:
    """Compare all answers, then those of each tag; gold is not work to agree on."""
    work = [answer for answer in answers if answer.gold is None]
    tags = sorted({tag for answer in work for tag in answer.tags})
    for measure in measures:
        yield _compared(measure, None, work)
        for tag in tags:
            yield _compared(measure, tag, [answer for answer in work if tag in answer.tags])


def _compared(measure: Measure, tag: str | None, answers: list[Answer]) -> Json:
    by_task: dict[object, list[str | int]] = {}
    for answer in answers:
        value = measure.read(answer.response)
        if value is not None:
            by_task.setdefault(answer.task, []).append(value)
    counts = table(list(by_task.values()), measure.values)
    numbers = [value if isinstance(value, int) else place for place, value in enumerate(measure.values)]
    beyond_chance, by_gwet = alpha(counts, measure.level, numbers), ac1(counts)
    return {
        "measure": measure.name,
        "level": measure.level,
        "tag": tag,
        "items": beyond_chance.items,
        "answers": beyond_chance.answers,
        "alpha": _rounded(beyond_chance),
        "alpha_reason": beyond_chance.reason,
        "ac1": _rounded(by_gwet),
        "ac1_reason": by_gwet.reason,
    }


def _rounded(statistic: Statistic) -> float | None:
    return None if statistic.value is None else round(statistic.value, 4)


def _gold(measures: tuple[Measure, ...], answers: list[Answer]) -> Json:
    """Score answers to tasks whose right answer is known: 1 where every measure agrees with it, else 0."""
    judged = [answer for answer in answers if answer.gold is not None]
    if not judged:
        return {"answers": 0, "score": None, "reason": NO_GOLD if measures else FREE_TEXT}
    right = [
        all(measure.read(answer.response) == measure.read(answer.gold) for measure in measures)
        for answer in judged
        if answer.gold is not None
    ]
    return {"answers": len(judged), "score": round(sum(right) / len(judged), 4), "reason": ""}


def _work(project: Project) -> QuerySet[Claim]:
    return Claim.objects.filter(project=project, kind=WorkKind.WORK)


def _pace(project: Project, at: datetime) -> Json:
    lately = Q(submitted_at__gte=at - PACE), Q(state=ClaimState.ACCEPTED, decided_at__gte=at - PACE)
    counted = _work(project).aggregate(submitted=Count("pk", filter=lately[0]), accepted=Count("pk", filter=lately[1]))
    return {"days": PACE.days, **counted}


def _times(project: Project) -> Json:
    """Return percentiles of the active time of what was handed in."""
    handed_in = _work(project).filter(billable_seconds__isnull=False, submitted_at__isnull=False)
    taken = list(handed_in.order_by("-submitted_at").values_list("billable_seconds", flat=True)[:MOST_ANSWERS])
    if not taken:
        return {"answers": 0, "p10": None, "p50": None, "p90": None}
    p10, p50, p90 = (int(value) for value in np.percentile(np.asarray(taken, dtype=float), (10, 50, 90)))
    return {"answers": len(taken), "p10": p10, "p50": p50, "p90": p90}


def _decisions(project: Project) -> Json:
    """Return how what was handed in was judged: shares of answers that went back at least once, and were rejected."""
    handed_in = _work(project).filter(submitted_at__isnull=False)
    counted: dict[str, Any] = handed_in.aggregate(
        accepted=Count("pk", filter=Q(state=ClaimState.ACCEPTED)),
        rejected=Count("pk", filter=Q(state=ClaimState.REJECTED)),
        returned=Count("pk", filter=Q(returns__gt=0)),
        returns=Sum(F("returns")),
        handed_in=Count("pk"),
    )
    decided, total = counted["accepted"] + counted["rejected"], counted["handed_in"]
    return {
        "handed_in": total,
        "accepted": counted["accepted"],
        "rejected": counted["rejected"],
        "returns": counted["returns"] or 0,
        "return_rate": round(counted["returned"] / total, 4) if total else None,
        "reject_rate": round(counted["rejected"] / decided, 4) if decided else None,
        "reason": "" if decided else NOTHING_DECIDED,
    }
