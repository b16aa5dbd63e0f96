"""Rows for hallucination detection, in the fields of RAGTruth (Niu et al., 2024): a response and its labelled spans."""

from __future__ import annotations

from tasks.exports.record import Accepted, Json
from tasks.exports.schemas import ANYTHING, TEXT, WHOLE, record, rows

LABEL = {
    "start": WHOLE,
    "end": WHOLE,
    "text": TEXT,
    "label_type": TEXT,
    "meta": record({"evidence": TEXT, "correction": TEXT}),
}
FIELDS = {
    "id": TEXT,
    "source_id": TEXT,
    "task_type": TEXT,
    "prompt": ANYTHING,
    "source_info": rows(record({"title": TEXT, "text": TEXT})),
    "response": TEXT,
    "labels": rows(record(LABEL)),
    "quality": TEXT,
    "verdict": TEXT,
    "justification": TEXT,
}


def row(accepted: Accepted) -> Json | None:
    """Return one response with ``labels: [{start, end, text, label_type, meta}]``; offsets count code points."""
    posted = str(accepted.payload["response"])
    answer = accepted.response
    return {
        "id": accepted.submission_id,
        "source_id": accepted.external_id,
        "task_type": "QA",
        "prompt": accepted.payload["prompt"],
        "source_info": _sources(accepted.payload),
        "response": posted,
        "labels": [_label(span, posted) for span in answer.get("spans", ())],
        "quality": "incorrect_refusal" if answer["verdict"] == "cannot_assess" else "good",
        "verdict": answer["verdict"],
        "justification": answer.get("justification", ""),
        **accepted.common(),
    }


def _label(span: Json, posted: str) -> Json:
    start, end = int(span["start"]), int(span["end"])
    return {
        "start": start,
        "end": end,
        "text": posted[start:end],
        "label_type": span["label"],
        "meta": {"evidence": span["evidence"], "correction": span.get("correction", "")},
    }


def _sources(payload: Json) -> list[Json]:
    """Return what the reply was to be judged against, title and text always both there."""
    sources = payload.get("sources") or payload.get("references") or []
    return [{"title": source.get("title", ""), "text": source.get("text", source.get("url", ""))} for source in sources]
