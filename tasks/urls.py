"""Addresses of work: the expert's and reviewer's pages, and the lab's console."""

from __future__ import annotations

from django.urls import path

from tasks.views import expert, files, lab, review, workbench

app_name = "tasks"

urlpatterns = [
    path("work/", expert.home_page, name="home"),
    path("work/offers/", expert.offers_page, name="offers"),
    path("work/offers/<ofr:offer_id>/", expert.answer_offer, name="answer_offer"),
    path("work/mine/", expert.mine, name="mine"),
    path("work/claim/", expert.claim, name="claim"),
    path("work/<clm:claim_id>/", workbench.workbench, name="workbench"),
    path("work/<clm:claim_id>/result/", expert.submission, name="submission"),
    path("work/<clm:claim_id>/resume/", expert.resume, name="resume"),
    path("work/<clm:claim_id>/beat/", workbench.beat, name="beat"),
    path("work/<clm:claim_id>/draft/", workbench.draft, name="draft"),
    path("work/<clm:claim_id>/submit/", workbench.submit, name="submit"),
    path("work/<clm:claim_id>/release/", workbench.release, name="release"),
    path("work/<clm:claim_id>/extend/", workbench.extend, name="extend"),
    path("work/<clm:claim_id>/research/", workbench.research, name="research"),
    path("work/<clm:claim_id>/pause/", workbench.pause, name="pause"),
    path("work/<clm:claim_id>/preview/", workbench.preview, name="preview"),
    path("work/<clm:claim_id>/files/<file:file_id>/", files.file, name="file"),
    path("work/<clm:claim_id>/review/", review.review, name="review"),
    path("lab/projects/", lab.projects, name="projects"),
    path("lab/projects/<prj:project_id>/", lab.project, name="project"),
    path("lab/projects/<prj:project_id>/move/", lab.move_project, name="move_project"),
    path("lab/batches/<bat:batch_id>/", lab.batch, name="batch"),
    path("lab/batches/<bat:batch_id>/progress/", lab.batch_progress, name="batch_progress"),
    path("lab/batches/<bat:batch_id>/move/", lab.move_batch, name="move_batch"),
    path("lab/batches/<bat:batch_id>/export/", lab.export_batch, name="export_batch"),
    path("lab/exports/", lab.exports, name="exports"),
    path("lab/exports/<exr:export_id>/", lab.download, name="export"),
]
