"""Where applicants, experts and the vetting desk live."""

from django.urls import path

from experts.views import applying, desk, profile

app_name = "experts"
ONE = "desk/vetting/<app:application_id>/"

urlpatterns = [
    path("apply/", applying.apply, name="apply"),
    path("apply/about/", applying.about, name="about"),
    path("apply/ask/", applying.ask, name="ask"),
    path("apply/send/", applying.send, name="send"),
    path("apply/reopen/", applying.reopen, name="reopen"),
    path("expert/credentials/", applying.add_credential, name="add_credential"),
    path("expert/credentials/<crd:credential_id>/drop/", applying.drop_credential, name="drop_credential"),
    path("expert/profile/", profile.profile, name="profile"),
    path("expert/profile/availability/", profile.availability, name="availability"),
    path("expert/profile/content/", profile.content, name="content"),
    path("desk/vetting/", desk.vetting, name="vetting"),
    path(ONE, desk.vetting_one, name="vetting_one"),
    path(f"{ONE}take/", desk.take, name="take"),
    path(f"{ONE}decide/", desk.decide, name="decide"),
    path(f"{ONE}credentials/<crd:credential_id>/check/", desk.check_credential, name="check_credential"),
    path(f"{ONE}credentials/<crd:credential_id>/verdict/", desk.judge_credential, name="judge_credential"),
    path(f"{ONE}tiers/", desk.grant, name="grant"),
    path(f"{ONE}tiers/<tgr:grant_id>/confirm/", desk.confirm_grant, name="confirm_grant"),
    path(f"{ONE}tiers/<tgr:grant_id>/revoke/", desk.revoke_grant, name="revoke_grant"),
    path(f"{ONE}marks/", desk.mark, name="mark"),
    path(f"{ONE}marks/<rmk:mark_id>/revoke/", desk.revoke_mark, name="revoke_mark"),
]
