"""Take files in, cleaned and sealed, and erase them."""

from __future__ import annotations

import hashlib
from datetime import datetime

from accounts.audit import Actor, audit
from kernel.db import action, forbid_transaction
from kernel.errors import FieldError, LostRace, Refused
from kernel.sealing import new_data_key, seal
from labs.models import Lab
from tasks.cleaning.bounds import Cleaned, NotClean
from tasks.cleaning.child import clean_apart
from tasks.models import File


class FileRefused(Refused):
    """The file is none that may be shown to anybody; ``errors`` says why."""

    code = "file_refused"
    status = 422

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.errors = (FieldError("/", code, detail),)


def store_file(lab: Lab, *, mode: str, raw: bytes, declared: str, by: Actor, now: datetime) -> File:
    """Clean and keep a file; ``declared`` is the media type it was sent as, '' when that says nothing.

    Raises FileRefused for what is of no type that is taken, of another than declared, or not safe to show.
    """
    forbid_transaction()
    try:
        cleaned = clean_apart(raw)
    except NotClean as refused:
        raise FileRefused(refused.code, refused.detail) from refused
    if declared not in ("", cleaned.media_type):
        detail = f"This was sent as {declared} and is {cleaned.media_type}. Send it as what it is."
        raise FileRefused("type_mismatch", detail)
    return _keep(lab, mode, cleaned, by=by, now=now)


@action
def _keep(lab: Lab, mode: str, cleaned: Cleaned, *, by: Actor, now: datetime) -> File:
    file = File(
        lab=lab,
        mode=mode,
        media_type=cleaned.media_type,
        size_bytes=len(cleaned.body),
        sha256=hashlib.sha256(cleaned.body).hexdigest(),
        width=cleaned.width,
        height=cleaned.height,
        pages=cleaned.pages,
        data_key=new_data_key(),
        created_at=now,
    )
    assert file.data_key is not None  # Just made.
    file.body = seal(bytes(file.data_key), cleaned.body, about=f"{file.public_id}/body")
    file.save(force_insert=True)
    audit(by, "file.stored", file, at=now, media_type=file.media_type, size_bytes=file.size_bytes)
    return file


@action
def erase_file(file: File, *, by: Actor, now: datetime) -> None:
    """Destroy the file's key and bytes; tasks that reference it say that it is gone."""
    erased = {"erased_at": now, "body": None, "data_key": None}
    if not File.objects.filter(pk=file.pk, erased_at__isnull=True).update(**erased):
        raise LostRace("This file has just been erased.")
    audit(by, "file.erased", file, at=now)
