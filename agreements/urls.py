"""Where agreements live."""

from django.urls import path

from agreements import views

app_name = "agreements"

urlpatterns = [
    path("agreements/", views.mine, name="mine"),
    path("agreements/<avr:version_id>/sign/", views.sign, name="sign"),
    path("agreements/signatures/<sig:signature_id>/revoke/", views.revoke, name="revoke"),
    path("desk/access/", views.access, name="access"),
]
