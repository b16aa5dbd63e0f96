"""Addresses of labs."""

from django.urls import path

from labs import views
from labs.invitations import views as invitations
from labs.webhooks import views as webhooks

app_name = "labs"

urlpatterns = [
    path("labs/join/", views.signup, name="signup"),
    path("labs/terms/", views.terms, name="terms"),
    path("lab/keys/", views.keys, name="keys"),
    path("lab/keys/<key:key_id>/rotate/", views.rotate_key, name="rotate_key"),
    path("lab/keys/<key:key_id>/networks/", views.key_networks, name="key_networks"),
    path("lab/keys/<key:key_id>/revoke/", views.revoke_key, name="revoke_key"),
    path("lab/webhooks/", webhooks.webhooks, name="webhooks"),
    path("lab/webhooks/<whe:endpoint_id>/", webhooks.webhook, name="webhook"),
    path("lab/webhooks/<whe:endpoint_id>/test/", webhooks.test_webhook, name="test_webhook"),
    path("lab/webhooks/<whe:endpoint_id>/rotate/", webhooks.rotate_webhook, name="rotate_webhook"),
    path("lab/webhooks/<whe:endpoint_id>/switch/", webhooks.switch_webhook, name="switch_webhook"),
    path("lab/webhooks/<whe:endpoint_id>/remove/", webhooks.remove_webhook, name="remove_webhook"),
    path(
        "lab/webhooks/<whe:endpoint_id>/deliveries/<dlv:delivery_id>/",
        webhooks.webhook_delivery,
        name="webhook_delivery",
    ),
    path(
        "lab/webhooks/<whe:endpoint_id>/deliveries/<dlv:delivery_id>/replay/",
        webhooks.replay_webhook,
        name="replay_webhook",
    ),
    path("lab/members/", views.members, name="members"),
    path("lab/members/<mem:member_id>/role/", views.change_role, name="change_role"),
    path("lab/invitations/<inv:invitation_id>/again/", invitations.send_again, name="invite_again"),
    path("lab/invitations/<inv:invitation_id>/withdraw/", invitations.withdraw, name="withdraw_invitation"),
    path("labs/invitations/<str:token>/", invitations.invitation, name="invitation"),
    path("lab/members/<mem:member_id>/remove/", views.remove_member, name="remove_member"),
    path("lab/switch/<lab:lab_id>/", views.switch, name="switch"),
    path("desk/labs/", views.desk, name="desk"),
    path("desk/labs/<lab:lab_id>/", views.decide, name="decide"),
]
