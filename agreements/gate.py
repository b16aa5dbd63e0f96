"""The one door to confidential content: no live signature, no content; no access row, no content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, connection

from accounts.context import door
from accounts.models import User
from accounts.rules import is_operator
from agreements.models import Agreement, AgreementVersion, ContentAccess
from agreements.queries import house_agreement
from agreements.rules import PURPOSE_MIN
from agreements.states import SignatureState, VersionState
from kernel.errors import Busy, Refused
from kernel.sealing import Sealed, open_sealed
from labs.models import Lab

Row = dict[str, str | int | UUID | datetime | None]


class NotSigned(Refused):
    """The viewer has no live signature of the version that this content needs."""

    code = "nda_unsigned"


class AccessNotWritten(Busy):
    """The access row could not be written, so nothing was served."""

    code = "access_not_written"


# An urgent version counts even for claims that pinned an earlier one.
# The row is written only where the signature is found, in one statement: there is no moment between asking and writing
# in which a signature could be revoked, and a caller pays for one round trip.
WRITE_IF_SIGNED = f"""
INSERT INTO agreements_contentaccess (viewer, subject, within, purpose, agreement_version, at, ip, request_id, count)
SELECT %(viewer)s, %(subject)s, %(within)s, %(purpose)s, s.version_id, %(at)s, %(ip)s, %(request_id)s, %(count)s
  FROM agreements_signature s
  JOIN agreements_agreementversion v ON v.id = s.version_id
  JOIN accounts_user u ON u.id = s.user_id AND u.is_active
 WHERE s.user_id = %(user)s AND s.agreement_id = %(agreement)s AND s.state = '{SignatureState.LIVE}'
   AND (SELECT v.number >= COALESCE(%(pinned)s::integer,
                                    max(n.number) FILTER (WHERE n.state = '{VersionState.PUBLISHED}'))
           AND v.number >= COALESCE(max(n.number) FILTER (WHERE n.urgent), 0)
          FROM agreements_agreementversion n
         WHERE n.agreement_id = v.agreement_id AND n.state IN ('{VersionState.PUBLISHED}', '{VersionState.SUPERSEDED}'))
RETURNING 1
"""  # noqa: S608 -- the two names put in are constants of this project


def open_content(
    viewer: User,
    *,
    agreement: Agreement,
    pinned: AgreementVersion | None,
    subject: str,
    purpose: str,
    at: datetime,
    contents: Sequence[Sealed],
    within: str = "",
) -> list[bytes]:
    """Open ``contents`` for a viewer who has signed ``pinned`` or newer (the newest, without a pin), and log it first.

    ``subject`` is what they see, ``within`` the task it belongs to when that is something else: both are text ids.
    Raises NotSigned with nothing opened when the signature is missing, older, revoked, or its user disabled.
    """
    if pinned is not None and pinned.agreement_id != agreement.pk:
        raise ValueError("the pinned version belongs to another agreement")
    row = _row(viewer.public_id, subject=subject, purpose=purpose, at=at, count=len(contents))
    row["within"] = "" if within == subject else within
    row |= {"user": viewer.pk, "agreement": agreement.pk, "pinned": pinned.number if pinned else None}
    if not _write(row):
        raise NotSigned(f"Sign the confidentiality agreement for {agreement.code_name} to go on.")
    return [open_sealed(sealed) for sealed in contents]


def open_for_operator(
    viewer: User, *, subject: str, purpose: str, at: datetime, contents: Sequence[Sealed], mode: str = "live"
) -> list[bytes]:
    """Open ``contents`` for an operator who has signed the house's newest agreement and says why they look."""
    house = house_agreement(mode)
    if house is None or not is_operator(viewer):
        raise NotSigned("Only operators who have signed the house agreement may look.")
    if len(purpose.strip()) < PURPOSE_MIN:
        raise Refused(f"Say why you look, in at least {PURPOSE_MIN} characters: it is kept with the access.")
    return open_content(
        viewer, agreement=house, pinned=None, subject=subject, purpose=purpose, at=at, contents=contents
    )


def open_for_lab(
    lab: Lab, *, by: str, subject: str, purpose: str, at: datetime, contents: Iterable[Sealed], count: int
) -> Iterator[bytes]:
    """Open a lab's own contents as a stream, after one access row that counts them; ``by`` is who asked, as text id."""
    _note_lab_access([_row(by, subject=subject, purpose=purpose, at=at, count=count)])
    return (open_sealed(sealed) for sealed in contents)


def open_each_for_lab(
    lab: Lab, *, by: str, purpose: str, at: datetime, contents: Mapping[str, Sequence[Sealed]]
) -> dict[str, list[bytes]]:
    """Open a lab's own contents by the subject that each belongs to, after an access row for each, in one statement."""
    _note_lab_access(
        [_row(by, subject=subject, purpose=purpose, at=at, count=len(parts)) for subject, parts in contents.items()]
    )
    return {subject: [open_sealed(sealed) for sealed in parts] for subject, parts in contents.items()}


def _note_lab_access(rows: Sequence[Row]) -> None:
    try:
        ContentAccess.objects.bulk_create([ContentAccess(**row) for row in rows])
    except DatabaseError as error:
        raise AccessNotWritten("The access log cannot be written just now, so nothing was served.") from error


def _row(viewer: str, *, subject: str, purpose: str, at: datetime, count: int) -> Row:
    """Return what an access row holds, with where the request came from."""
    at_door = door.get()
    return {
        "viewer": viewer,
        "subject": subject,
        "purpose": purpose,
        "at": at,
        "ip": at_door.ip,
        "request_id": at_door.request_id,
        "count": count,
    }


def _write(row: Row) -> bool:
    """Write the access row where the signature stands; tell whether it did."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(WRITE_IF_SIGNED, row)
            return cursor.fetchone() is not None
    except DatabaseError as error:
        raise AccessNotWritten("The access log cannot be written just now, so nothing was served.") from error
