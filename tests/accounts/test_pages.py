"""The pages of accounts: who may see them, what they show, and what they cost."""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Notification, OutboxItem, User
from accounts.notices import notify
from accounts.outbox import due
from kernel.db import app_now
from tests.accounts.factories import log_in, make_operator, make_user
from tests.bad_input import BAD_NAMES, BAD_TEXTS, cases

DESK = ["accounts:jobs", "accounts:health", "accounts:people"]
OWN = ["accounts:profile", "accounts:inbox"]


def dead_job(kind: str = "test.nobody") -> OutboxItem:
    """Make a dead letter."""
    now = app_now()
    return OutboxItem.objects.create(
        kind=kind,
        payload={"claim": "clm_1"},
        created_at=now,
        run_after=now,
        dead_at=now,
        attempts=5,
        last_error="It broke",
    )


@pytest.mark.parametrize("name", DESK + OWN)
def test_visitors_are_sent_to_sign_in(client, db, name):
    assert client.get(reverse(name))["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", DESK)
def test_the_desk_is_for_operators(client, db, name):
    cyd = make_user()
    log_in(client, cyd)

    assert client.get(reverse(name)).status_code == 403
    event = AuditEvent.objects.get(verb="access.refused")
    assert (event.actor, event.acting_role, event.details["path"]) == (cyd.public_id, "operator", reverse(name))


@pytest.mark.parametrize("name", OWN)
def test_everybody_sees_their_own_pages(client, db, name):
    log_in(client, make_user())

    assert client.get(reverse(name)).status_code == 200


def test_only_owners_see_people(client, db):
    log_in(client, make_operator("finance"))

    assert client.get(reverse("accounts:people")).status_code == 403


@pytest.mark.parametrize("name", DESK)
def test_owners_see_every_page_of_the_desk(client, db, name):
    log_in(client, make_operator("owner"))

    assert client.get(reverse(name)).status_code == 200


def test_a_dead_job_is_shown_and_replayed(client, db):
    item = dead_job()
    log_in(client, make_operator("trust"))
    page = client.get(reverse("accounts:jobs")).content.decode()
    client.post(reverse("accounts:replay", args=[item.pk]))
    item.refresh_from_db()

    assert all(word in page for word in ("1 job gave up", "test.nobody", "clm_1", "It broke"))
    assert (item.dead_at, item.attempts) == (None, 0)
    assert AuditEvent.objects.filter(verb="job.replayed").count() == 1


def test_all_dead_jobs_are_replayed_at_once(client, db):
    for _ in range(3):
        dead_job()
    log_in(client, make_operator("trust"))
    client.post(reverse("accounts:replay_all"))

    assert OutboxItem.objects.filter(dead_at=None).count() == 3


def test_a_living_job_cannot_be_replayed(client, db):
    with transaction.atomic():
        item = due("test.nobody")
    log_in(client, make_operator("trust"))

    assert client.post(reverse("accounts:replay", args=[item])).status_code == 404


@pytest.mark.parametrize("name", ["accounts:jobs", "accounts:people", "accounts:inbox"])
def test_a_list_costs_as_much_for_three_rows_as_for_one(client, db, name, django_assert_max_num_queries):
    ada = make_operator("owner")
    log_in(client, ada)
    client.get(reverse(name))  # The first page notes the acting role in the session.
    counts = []
    for rows in (1, 2):
        for _ in range(rows):
            dead_job()
            make_operator("trust", "vetting", name="Bo")
            notify(ada, "Something happened.", "/home/", app_now())
        with django_assert_max_num_queries(20) as captured:
            client.get(reverse(name))
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_a_signed_in_request_costs_one_statement_beyond_the_view(client, db, django_assert_num_queries):
    log_in(client, make_user())

    with django_assert_num_queries(1):
        assert client.get("/healthz").status_code == 200


def test_a_stranger_costs_nothing(client, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/healthz")


def test_an_owner_gives_and_takes_a_role(client, db):
    cyd = make_user("Cyd")
    log_in(client, make_operator("owner"))
    client.post(reverse("accounts:people"), {"email": cyd.email.upper(), "role": "trust", "reason": "Knows the law"})
    given = User.objects.get(pk=cyd.pk).operator_roles
    client.post(reverse("accounts:revoke", args=[cyd.role_grants.get().pk]))

    assert (given, User.objects.get(pk=cyd.pk).operator_roles) == (["trust"], [])


def test_an_owner_cannot_give_themselves_a_role(client, db):
    ada = make_operator("owner")
    log_in(client, ada)
    response = client.post(reverse("accounts:people"), {"email": ada.email, "role": "finance", "reason": "me"})

    assert (response.status_code, User.objects.get(pk=ada.pk).operator_roles) == (409, ["owner"])
    assert "Ask another owner" in response.content.decode()


@pytest.mark.parametrize(
    "values",
    [
        {"email": "nobody@example.com"},
        {"email": "x\x00"},
        {"role": "king"},
        {"reason": ""},
        *({"reason": text} for name, text in BAD_TEXTS.items() if name != "surrogate"),
    ],
    ids=["unknown", "nul", "role", "no_reason", "nul_reason", "long_reason"],
)
def test_a_bad_grant_is_refused_by_its_field(client, db, values):
    cyd = make_user("Cyd")
    log_in(client, make_operator("owner"))
    response = client.post(reverse("accounts:people"), {"email": cyd.email, "role": "trust", "reason": "a", **values})

    assert (response.status_code, list(response.context["form"].errors)) == (422, list(values))


@pytest.mark.parametrize("name", cases({key: value for key, value in BAD_NAMES.items() if key != "surrogate"}))
def test_a_bad_name_changes_no_profile(client, db, name):
    cyd = make_user("Cyd")
    log_in(client, cyd)
    response = client.post(reverse("accounts:profile"), {"name": name, "time_zone": "UTC"})
    cyd.refresh_from_db()

    assert (response.status_code, list(response.context["form"].errors), cyd.name) == (422, ["name"], "Cyd")


def test_a_profile_is_changed(client, db):
    cyd = make_user("Cyd")
    log_in(client, cyd)
    client.post(reverse("accounts:profile"), {"name": "  Cyd Charisse ", "time_zone": "Asia/Tokyo"})
    cyd.refresh_from_db()

    assert (cyd.name, cyd.time_zone) == ("Cyd Charisse", "Asia/Tokyo")


def test_the_inbox_is_ones_own_and_read_at_once(client, db):
    cyd, dov = make_user("Cyd"), make_user("Dov")
    notify(cyd, "Your work was accepted.", "/work/mine/", app_now())
    notify(dov, "A secret of Dov.", "/work/mine/", app_now())
    log_in(client, cyd)
    page = client.get(reverse("accounts:inbox")).content.decode()
    client.post(reverse("accounts:inbox_read"))

    assert ("Your work was accepted." in page, "A secret of Dov." in page) == (True, False)
    assert list(Notification.objects.filter(read_at=None).values_list("user", flat=True)) == [dov.pk]


def test_htmx_gets_the_fragment_that_the_page_holds(client, db):
    log_in(client, make_user())
    fragment = client.post(reverse("accounts:inbox_read"), headers={"HX-Request": "true"}).content.decode()

    assert fragment.startswith('<div class="gh-stack-s" id="notices">')
    assert "<html" not in fragment


def test_the_mail_page_is_not_there_in_production(client, db, settings):
    settings.HAS_MAIL_PAGE = False

    assert client.get(reverse("accounts:mail")).status_code == 404


def test_a_newcomer_chooses_what_to_be(client, db):
    log_in(client, make_user())
    page = client.get(reverse("accounts:home")).content.decode()

    assert reverse("experts:apply") in page
    assert reverse("labs:signup") in page


@pytest.mark.parametrize(
    ("role", "name"), [("vetting", "experts:vetting"), ("finance", "payments:runs"), ("trust", "labs:desk")]
)
def test_an_operator_begins_at_their_desk(client, db, role, name):
    log_in(client, make_operator(role))

    assert client.get(reverse("accounts:home"))["Location"] == reverse(name)


@pytest.mark.parametrize("name", ["accounts:inbox_read", "accounts:replay_all", "accounts:sign_out_elsewhere"])
def test_changes_need_the_forms_token(db, name):
    client = log_in(Client(enforce_csrf_checks=True), make_operator("owner"))

    assert client.post(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", ["accounts:inbox_read", "accounts:replay_all", "accounts:sign_out_elsewhere"])
def test_changes_are_not_made_by_reading(client, db, name):
    log_in(client, make_operator("owner"))

    assert client.get(reverse(name)).status_code == 405


def test_every_answer_names_its_request(client, db):
    assert client.get("/healthz")["X-Request-ID"]
