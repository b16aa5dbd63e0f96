"""What labs and operators are told by letter and in their inbox; never project content."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts.mail import post_mail
from accounts.models import Role, RoleGrant, User
from accounts.notices import notify
from kernel.db import action
from labs.models import EndpointState, Lab, WebhookEndpoint, WhyDisabled
from labs.queries import owners_of


@action
def tell_operators_of_application(lab: Lab, *, now: datetime) -> None:
    """Tell everyone who may approve labs that one waits."""
    grants = RoleGrant.objects.filter(role__in=(Role.TRUST, Role.OWNER), revoked_at__isnull=True)
    for user in User.objects.filter(pk__in=grants.values("user"), is_active=True):
        key = f"lab-application-{lab.public_id}"
        _tell(user, key, "A lab waits for approval", "A lab has applied.", "labs:desk", now)


@action
def tell_owners_of_approval(lab: Lab, *, now: datetime) -> None:
    """Tell the lab's owners that they may begin."""
    for user in owners_of(lab):
        text = "Your lab is approved. Fund it, make a live key, and post your first batch."
        _tell(user, f"lab-approved-{lab.public_id}", "Your lab is approved", text, "labs:keys", now)


@action
def tell_owners_of_decline(lab: Lab, *, now: datetime) -> None:
    """Tell the lab's owners that their application was declined."""
    for user in owners_of(lab):
        text = "Your lab's application was declined. Answer this letter if you think that is a mistake."
        _tell(user, f"lab-declined-{lab.public_id}", "Your lab's application", text, "labs:keys", now)


WHY_DISABLED = {
    WhyDisabled.GONE: "it answered 410 Gone",
    WhyDisabled.FAILING: "it has failed for three days",
    WhyDisabled.BY_LAB: "one of you disabled it",
}


@action
def tell_owners_of_disabled_endpoint(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    """Tell the lab's owners that nothing is sent to an endpoint any more, and why; nothing if it works again."""
    if endpoint.state != EndpointState.DISABLED or endpoint.removed_at is not None:
        return
    why = WHY_DISABLED[WhyDisabled(endpoint.disabled_because)]
    key = f"webhook-disabled-{endpoint.public_id}-{int(endpoint.state_changed_at.timestamp())}"
    text = f"We no longer call your webhook endpoint {endpoint.public_id}: {why}. Its events are kept in your feed."
    for user in owners_of(endpoint.lab):
        _tell(user, key, "A webhook endpoint was disabled", text, "labs:webhooks", now)


def _tell(user: User, key: str, subject: str, text: str, page: str, now: datetime) -> None:
    url = reverse(page)
    body = f"Hello {user.get_short_name()},\n\n{text}\n\n{settings.PUBLIC_URL}{url}\n"
    if post_mail(to=user.email, subject=subject, body=body, key=f"{key}-{user.public_id}"):
        notify(user, text, url, now)
