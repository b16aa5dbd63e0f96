"""Addresses of the labs' API, under /api/v1/; what is none of them is a 404 like any other."""

from __future__ import annotations

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from agreements import api as agreements
from labs import api as labs
from labs import api_keys as keys
from labs.webhooks import api as webhooks
from payments import api as payments
from tasks.api import batches, cases, exports, files, posting, projects, quality, questions, spend, submissions, tasks

app_name = "api"

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("me", labs.Me.as_view(), name="me"),
    path("events", labs.Events.as_view(), name="events"),
    path("webhooks", webhooks.Endpoints.as_view(), name="webhooks"),
    path("webhooks/<whe:endpoint_id>", webhooks.OneEndpoint.as_view(), name="webhook"),
    path("webhooks/<whe:endpoint_id>:test", webhooks.TestEndpoint.as_view(), name="test_webhook"),
    path("webhooks/<whe:endpoint_id>:rotate_secret", webhooks.RotateSecret.as_view(), name="rotate_webhook_secret"),
    path("webhooks/<whe:endpoint_id>/deliveries", webhooks.Deliveries.as_view(), name="webhook_deliveries"),
    path(
        "webhooks/<whe:endpoint_id>/deliveries/<dlv:delivery_id>",
        webhooks.OneDelivery.as_view(),
        name="webhook_delivery",
    ),
    path(
        "webhooks/<whe:endpoint_id>/deliveries/<dlv:delivery_id>:replay",
        webhooks.ReplayDelivery.as_view(),
        name="replay_webhook_delivery",
    ),
    path("keys", keys.Keys.as_view(), name="keys"),
    path("keys/<key:key_id>", keys.OneKey.as_view(), name="key"),
    path("keys/<key:key_id>:rotate", keys.RotateKey.as_view(), name="rotate_key"),
    path("keys/<key:key_id>:revoke", keys.RevokeKey.as_view(), name="revoke_key"),
    path("balance", payments.Balance.as_view(), name="balance"),
    path("fundings", payments.Fundings.as_view(), name="fundings"),
    path("fundings/<fnd:funding_id>", payments.OneFunding.as_view(), name="funding"),
    path("ledger", payments.Ledger.as_view(), name="ledger"),
    path("spend", spend.Spend.as_view(), name="spend"),
    path("agreements", agreements.Agreements.as_view(), name="agreements"),
    path("agreements/<agr:agreement_id>", agreements.OneAgreement.as_view(), name="agreement"),
    path("agreements/<agr:agreement_id>/signers", agreements.Signers.as_view(), name="agreement_signers"),
    path("agreements/<agr:agreement_id>/versions", agreements.Versions.as_view(), name="agreement_versions"),
    path(
        "agreements/<agr:agreement_id>/versions/<avr:version_id>:publish",
        agreements.PublishVersion.as_view(),
        name="publish_agreement_version",
    ),
    path("files", files.Files.as_view(), name="files"),
    path("files/<file:file_id>", files.OneFile.as_view(), name="file"),
    path("files/<file:file_id>/content", files.Content.as_view(), name="file_content"),
    path("projects", projects.Projects.as_view(), name="projects"),
    path("projects/<prj:project_id>", projects.OneProject.as_view(), name="project"),
    path("projects/<prj:project_id>:launch", projects.LaunchProject.as_view(), name="launch_project"),
    path("projects/<prj:project_id>:pause", projects.PauseProject.as_view(), name="pause_project"),
    path("projects/<prj:project_id>:resume", projects.ResumeProject.as_view(), name="resume_project"),
    path("projects/<prj:project_id>:close", projects.CloseProject.as_view(), name="close_project"),
    path("projects/<prj:project_id>/guidelines", projects.Guidelines.as_view(), name="guidelines"),
    path("projects/<prj:project_id>/questions", questions.Questions.as_view(), name="questions"),
    path(
        "projects/<prj:project_id>/questions/<qst:question_id>:answer",
        questions.AnswerQuestion.as_view(),
        name="answer_question",
    ),
    path("projects/<prj:project_id>/quality", quality.Quality.as_view(), name="quality"),
    path("projects/<prj:project_id>/budget", projects.Budget.as_view(), name="budget"),
    path("projects/<prj:project_id>/budget:allocate", projects.AllocateBudget.as_view(), name="allocate_budget"),
    path(
        "projects/<prj:project_id>/budget:deallocate",
        projects.DeallocateBudget.as_view(),
        name="deallocate_budget",
    ),
    path("projects/<prj:project_id>/batches", batches.ProjectBatches.as_view(), name="project_batches"),
    path("batches", batches.Batches.as_view(), name="batches"),
    path("batches/<bat:batch_id>", batches.OneBatch.as_view(), name="batch"),
    path("batches/<bat:batch_id>:quote", batches.QuoteBatch.as_view(), name="quote_batch"),
    path("batches/<bat:batch_id>:launch", batches.LaunchBatch.as_view(), name="launch_batch"),
    path("batches/<bat:batch_id>:pause", batches.PauseBatch.as_view(), name="pause_batch"),
    path("batches/<bat:batch_id>:resume", batches.ResumeBatch.as_view(), name="resume_batch"),
    path("batches/<bat:batch_id>:drain", batches.DrainBatch.as_view(), name="drain_batch"),
    path("batches/<bat:batch_id>:cancel", batches.CancelBatch.as_view(), name="cancel_batch"),
    path("batches/<bat:batch_id>/tasks", posting.Tasks.as_view(), name="tasks"),
    path("tasks/<tsk:task_id>", tasks.OneTask.as_view(), name="task"),
    path("tasks/<tsk:task_id>:cancel", tasks.CancelTask.as_view(), name="cancel_task"),
    path("cases", cases.Cases.as_view(), name="cases"),
    path("cases/<cas:case_id>", cases.OneCase.as_view(), name="case"),
    path("cases/<cas:case_id>:appeal", cases.AppealCase.as_view(), name="appeal_case"),
    path("submissions", submissions.Submissions.as_view(), name="submissions"),
    path("submissions/<sub:submission_id>", submissions.OneSubmission.as_view(), name="submission"),
    path("submissions/<sub:submission_id>:accept", submissions.AcceptSubmission.as_view(), name="accept_submission"),
    path("submissions/<sub:submission_id>:fix", submissions.FixSubmission.as_view(), name="fix_submission"),
    path("submissions/<sub:submission_id>:reject", submissions.RejectSubmission.as_view(), name="reject_submission"),
    path("exports", exports.Exports.as_view(), name="exports"),
    path("exports/<exr:export_id>", exports.OneExport.as_view(), name="export"),
    path("exports/<exr:export_id>/download", exports.Download.as_view(), name="download_export"),
    path("exports/<exr:export_id>/manifest", exports.ExportManifest.as_view(), name="export_manifest"),
    path("schemas", exports.ExportSchemas.as_view(), name="export_schemas"),
    re_path(r"^[\s\S]*$", labs.Nowhere.as_view(), name="nowhere"),
]
