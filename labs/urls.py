"""Addresses of labs."""

from django.urls import path

from labs import views

app_name = "labs"

urlpatterns = [
    path("labs/join/", views.signup, name="signup"),
    path("labs/terms/", views.terms, name="terms"),
    path("lab/keys/", views.keys, name="keys"),
    path("lab/keys/<key:key_id>/rotate/", views.rotate_key, name="rotate_key"),
    path("lab/keys/<key:key_id>/revoke/", views.revoke_key, name="revoke_key"),
    path("lab/members/", views.members, name="members"),
    path("lab/members/<mem:member_id>/remove/", views.remove_member, name="remove_member"),
    path("lab/switch/<lab:lab_id>/", views.switch, name="switch"),
    path("desk/labs/", views.desk, name="desk"),
    path("desk/labs/<lab:lab_id>/", views.decide, name="decide"),
]
