"""Connected accounts: created by v2, onboarded on a hosted page, read by v1 and v2."""

from __future__ import annotations

from typing import Any

from payments.sandbox.errors import ApiError, no_access, unknown_parameter
from payments.sandbox.routes import Call, route
from payments.sandbox.wire import Body, text_map
from payments.sandbox.world import World

KIND = "account.state"
DUE_AT_FIRST = ["individual.id_number", "external_account"]
LINK_SECONDS = 300
V2_STATUS = {"active": "active", "inactive": "restricted", "pending": "pending"}


def find_account(world: World, identifier: str) -> Body:
    """Return a connected account's state, or say that the key has no access."""
    record = world.records.get(identifier)
    if record is None or record.body["object"] != KIND:
        raise no_access(identifier)
    return record.body


def change_account(world: World, identifier: str, changes: Body) -> None:
    """Set an account's capabilities and needs, and tell both kinds of endpoint."""
    account = find_account(world, identifier)
    before = account["transfers"]
    unknown = changes.keys() - {"transfers", "payouts", "due", "reason", "details", "closed", "country", "numbers"}
    if unknown:
        raise ApiError(400, f"unknown account settings: {sorted(unknown)}")
    account.update(changes)
    world.emit("account.updated", v1_account(account), account=identifier)
    world.emit_thin("v2.core.account[requirements].updated", identifier)
    if changes.get("closed"):
        world.emit_thin("v2.core.account.closed", identifier)
    if account["transfers"] != before:
        _tell_of_capability(world, account)


def _tell_of_capability(world: World, account: Body) -> None:
    world.emit_thin("v2.core.account[configuration.recipient].capability_status_updated", account["id"])
    capability = {
        "id": "transfers",
        "object": "capability",
        "account": account["id"],
        "requested": True,
        "status": account["transfers"],
    }
    world.emit("capability.updated", capability, account=account["id"])


def v1_account(account: Body) -> Body:
    """Return an account as v1 shows it."""
    return {
        "id": account["id"],
        "object": "account",
        "created": account["created"],
        "email": account["email"],
        "country": account["country"],
        "default_currency": "usd",
        "type": "none",
        "metadata": account["metadata"],
        "charges_enabled": False,
        "payouts_enabled": account["payouts"],
        "details_submitted": account["details"],
        "capabilities": {"transfers": account["transfers"]},
        "controller": {
            "type": "application",
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "stripe_dashboard": {"type": "express"},
            "requirement_collection": "stripe",
        },
        "requirements": {
            "currently_due": account["due"],
            "past_due": [],
            "eventually_due": account["due"],
            "pending_verification": [],
            "disabled_reason": account["reason"],
            "current_deadline": None,
            "errors": [],
        },
    }


def v2_account(account: Body, include: object) -> Body:
    """Return an account as v2 shows it: parts that were not asked for are null."""
    wanted = include if isinstance(include, list) else []
    parts = {
        "configuration": _configuration(account) if "configuration.recipient" in wanted else None,
        "identity": _identity(account) if "identity" in wanted else None,
        "defaults": _defaults(account) if "defaults" in wanted else None,
        "requirements": _requirements(account) if "requirements" in wanted else None,
    }
    return {
        "id": account["id"],
        "object": "v2.core.account",
        "applied_configurations": ["recipient"],
        "closed": account["closed"],
        "contact_email": account["email"],
        "created": account["created_iso"],
        "dashboard": "express",
        "display_name": account["name"],
        "livemode": False,
        "metadata": account["metadata"],
        **parts,
    }


def _configuration(account: Body) -> Body:
    return {
        "recipient": {
            "applied": True,
            "capabilities": {
                "bank_accounts": None,
                "cards": None,
                "stripe_balance": {
                    "stripe_transfers": _capability(V2_STATUS[account["transfers"]]),
                    "payouts": _capability("active" if account["payouts"] else "restricted"),
                },
            },
        },
        "merchant": None,
        "customer": None,
    }


def _capability(status: str) -> Body:
    details = [] if status == "active" else [{"code": "requirements_past_due", "resolution": "provide_info"}]
    return {"status": status, "status_details": details}


def _identity(account: Body) -> Body:
    numbers = [{"type": kind, "registrar": None} for kind in account["numbers"]]  # Of a number, its kind alone.
    individual = {"object": "v2.core.account_person", "id_numbers": numbers}
    return {"country": account["country"].lower(), "entity_type": "individual", "individual": individual}


def _defaults(account: Body) -> Body:
    return {"currency": "usd", "responsibilities": account["responsibilities"]}


def _requirements(account: Body) -> Body:
    entries = [{"description": due, "awaiting_action_from": "user"} for due in account["due"]]
    return {
        "entries": entries,
        "summary": {"minimum_deadline": {"status": "currently_due"}} if entries else None,
    }


@route(
    "POST",
    "/v2/core/accounts",
    optional="account_token configuration contact_email contact_phone dashboard defaults display_name identity include",
)
def create_account(call: Call) -> Body:
    """Create a connected account that can receive nothing yet."""
    responsibilities = _responsibilities(call.params)
    country = _part(call.params, "identity").get("country")
    if not country:
        raise ApiError(400, "The identity.country field is required.", code="invalid_fields")
    account = _new_account(call, country=str(country).upper(), responsibilities=responsibilities)
    call.world.emit_thin("v2.core.account.created", account["id"])
    return v2_account(account, call.params.get("include"))


def _new_account(call: Call, *, country: str, responsibilities: Body) -> Body:
    return call.world.put(
        {
            "id": call.world.new_id("acct"),
            "object": KIND,
            "created": call.world.now(),
            "created_iso": call.world.iso_now(),
            "name": call.params.get("display_name"),
            "email": call.params.get("contact_email"),
            "country": country,
            "metadata": text_map(call.params.get("metadata")),
            "responsibilities": responsibilities,
            "transfers": "inactive",
            "payouts": False,
            "details": False,
            "due": list(DUE_AT_FIRST),
            "numbers": [],
            "reason": "requirements.past_due",
            "closed": False,
        }
    )


def _responsibilities(params: Body) -> Body:
    given = _part(_part(params, "defaults"), "responsibilities")
    if params.get("dashboard") == "express" and given.get("losses_collector") != "application":
        message = "An express dashboard requires losses_collector application."
        raise ApiError(400, message, code="invalid_fields")
    return given


def _part(params: Body, name: str) -> dict[str, Any]:
    value = params.get(name)
    return value if isinstance(value, dict) else {}


@route("GET", "/v2/core/accounts/{}", optional="include")
def retrieve_account(call: Call) -> Body:
    """Return an account with the parts asked for."""
    return v2_account(find_account(call.world, call.ids[0]), call.params.get("include"))


@route("POST", "/v2/core/account_links", required="account use_case")
def create_account_link(call: Call) -> Body:
    """Return a single-use link to the hosted onboarding page."""
    use_case = _part(call.params, "use_case")
    settings = _part(use_case, str(use_case.get("type")))
    if "configurations" in settings:
        raise unknown_parameter(f"use_case.{use_case['type']}.configurations")
    account = find_account(call.world, call.text("account"))
    link = call.world.put(
        {
            "id": call.world.new_id("link"),
            "object": "account_link.state",
            "account": account["id"],
            "refresh_url": settings.get("refresh_url"),
            "return_url": settings.get("return_url"),
            "expires": call.world.now() + LINK_SECONDS,
            "is_used": False,
        }
    )
    return {
        "object": "v2.core.account_link",
        "account": account["id"],
        "created": call.world.iso_now(),
        "expires_at": call.world.iso_now(),
        "livemode": False,
        "url": f"{call.world.base_url}/_sandbox/onboard/{link['id']}",
        "use_case": use_case,
    }


@route("GET", "/v1/accounts/{}")
def retrieve_v1_account(call: Call) -> Body:
    """Return an account in its v1 form."""
    return v1_account(find_account(call.world, call.ids[0]))


@route("POST", "/v1/accounts/{}/login_links")
def create_login_link(call: Call) -> Body:
    """Return a link to the account's own dashboard, once it is onboarded."""
    account = find_account(call.world, call.ids[0])
    if not account["details"]:
        message = "Cannot create a login link for an account that has not completed onboarding."
        raise ApiError(400, message)
    return {
        "object": "login_link",
        "created": call.world.now(),
        "url": f"{call.world.base_url}/_sandbox/express/{account['id']}",
    }
