"""Addresses of accounts."""

from django.urls import path

from accounts import desk, views

app_name = "accounts"

urlpatterns = [
    path("home/", views.home, name="home"),
    path("account/", views.profile, name="profile"),
    path("account/sign-out-elsewhere/", views.sign_out_elsewhere, name="sign_out_elsewhere"),
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read/", views.inbox_read, name="inbox_read"),
    path("mail/", desk.mail, name="mail"),
    path("desk/jobs/", desk.jobs, name="jobs"),
    path("desk/jobs/replay/", desk.replay_all, name="replay_all"),
    path("desk/jobs/<int:item>/replay/", desk.replay, name="replay"),
    path("desk/health/", desk.health_page, name="health"),
    path("desk/people/", desk.people, name="people"),
    path("desk/people/<int:grant>/revoke/", desk.revoke, name="revoke"),
]
