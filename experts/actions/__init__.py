"""The only writers of experts' rows, by noun."""

from experts.actions.applications import (
    approve_application,
    ask_for_more,
    confirm_application,
    decline_application,
    fill_application,
    register_expert,
    reopen_application,
    submit_application,
    take_application,
)
from experts.actions.casting import install_cast
from experts.actions.credentials import (
    add_credential,
    check_credential,
    drop_credential,
    expire_credentials,
    refuse_credential,
    revoke_credential,
    verify_credential,
)
from experts.actions.domains import install_domains
from experts.actions.grants import (
    confirm_tier,
    grant_reviewer_mark,
    grant_tier,
    revoke_reviewer_mark,
    revoke_tier,
)
from experts.actions.profile import change_profile, choose_content, set_availability

__all__ = [
    "add_credential",
    "approve_application",
    "ask_for_more",
    "change_profile",
    "check_credential",
    "choose_content",
    "confirm_application",
    "confirm_tier",
    "decline_application",
    "drop_credential",
    "expire_credentials",
    "fill_application",
    "grant_reviewer_mark",
    "grant_tier",
    "install_cast",
    "install_domains",
    "refuse_credential",
    "register_expert",
    "reopen_application",
    "revoke_credential",
    "revoke_reviewer_mark",
    "revoke_tier",
    "set_availability",
    "submit_application",
    "take_application",
    "verify_credential",
]
