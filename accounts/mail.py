"""Post letters: a row and a job in the caller's transaction; the words go when the letter has gone."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.template.loader import render_to_string

from accounts.models import SIMULATED_HOST, Mail
from accounts.outbox import due
from kernel.db import action, forbid_transaction, require_transaction

KEEPS_BODIES = frozenset({"demo", "test"})


def post_mail(*, to: str, subject: str, body: str, key: str) -> bool:
    """Write a letter to be sent once for ever per ``key``; return whether it is new, and goes to somebody."""
    require_transaction()
    if to.endswith(SIMULATED_HOST):
        return False
    subject = " ".join(subject.split())[:200]  # A line break in a subject would be a header of a stranger's choice.
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO accounts_mail (key, "to", subject, body, created_at) VALUES (%s, %s, %s, %s, app_now())'
            " ON CONFLICT (key) DO NOTHING RETURNING id",
            [key, to, subject, body],
        )
        row = cursor.fetchone()
    if row is not None:
        due("accounts.send_mail", key=f"mail-{row[0]}", mail=row[0])
    return row is not None


def post_template(template: str, context: Mapping[str, object], *, to: str, key: str) -> bool:
    """Post a letter from a template whose first line is the subject."""
    subject, _, body = render_to_string(template, dict(context)).strip().partition("\n")
    return post_mail(to=to, subject=subject, body=body.strip() + "\n", key=key)


def send_letter(mail: Mail, *, now: datetime) -> None:
    """Carry one letter to the mail server, then note it as gone; nothing to do if it went before."""
    if mail.sent_at is not None:
        return
    forbid_transaction()
    # A crash after sending and before the note sends it again: one Message-ID lets mailboxes show one letter.
    message_id = f"<mail-{mail.pk}@{settings.PUBLIC_HOST}>"
    EmailMessage(mail.subject, mail.body, to=[mail.to], headers={"Message-ID": message_id}).send()
    _note_as_sent(mail, now)


@action
def _note_as_sent(mail: Mail, now: datetime) -> None:
    mail.sent_at = now
    if settings.GUILDHALL_MODE not in KEEPS_BODIES:
        mail.body = ""
    mail.save(update_fields=["sent_at", "body"])
