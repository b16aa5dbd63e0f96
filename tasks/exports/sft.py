"""Rows for supervised fine-tuning, as TRL's SFTTrainer loads them: conversational, or prompt and completion."""

from __future__ import annotations

from typing import Any

from tasks.exports.record import Accepted, Json
from tasks.exports.schemas import MESSAGES

CONVERSATION = {"messages": MESSAGES}
COMPLETION = {"prompt": MESSAGES, "completion": MESSAGES}


def conversation_row(accepted: Accepted) -> Json | None:
    """Return ``{"messages": […]}``, or None for a task that its expert could not do."""
    completion = text_of(accepted)
    if not completion:
        return None
    messages = [*messages_of(accepted.payload), {"role": "assistant", "content": completion}]
    return {"messages": messages, **accepted.common()}


def completion_row(accepted: Accepted) -> Json | None:
    """Return ``{"prompt": […], "completion": […]}`` in messages, or None for a task that its expert could not do."""
    completion = text_of(accepted)
    if not completion:
        return None
    return {
        "prompt": messages_of(accepted.payload),
        "completion": [{"role": "assistant", "content": completion}],
        **accepted.common(),
    }


def text_of(accepted: Accepted) -> str:
    """Return what the expert wrote, whatever its kind calls it; '' where nothing was."""
    if accepted.response.get("cannot_assess") or accepted.response.get("not_applicable"):
        return ""
    return str(accepted.response.get("answer") or accepted.response.get("piece") or "")


def messages_of(payload: Json) -> list[Json]:
    """Return what the lab posted as the messages before the answer."""
    prompt: Any = payload.get("prompt", payload.get("brief", ""))
    if isinstance(prompt, dict):
        return [{"role": message["role"], "content": message["content"]} for message in prompt["messages"]]
    context = payload.get("context")
    return [{"role": "user", "content": f"{context}\n\n{prompt}" if context else str(prompt)}]
