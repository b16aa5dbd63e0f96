"""Addresses of work: the expert's and reviewer's pages, and the lab's console."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tasks.views import cases, console, desk, expert, files, lab, questions, review, uploads, workbench

app_name = "tasks"

# All that is done with one claim; what a page of work asks for every few seconds comes first.
one_claim: list[URLPattern | URLResolver] = [
    path("beat/", workbench.beat, name="beat"),
    path("draft/", workbench.draft, name="draft"),
    path("submit/", workbench.submit, name="submit"),
    path("", workbench.workbench, name="workbench"),
    path("result/", expert.submission, name="submission"),
    path("resume/", expert.resume, name="resume"),
    path("release/", workbench.release, name="release"),
    path("extend/", workbench.extend, name="extend"),
    path("research/", workbench.research, name="research"),
    path("pause/", workbench.pause, name="pause"),
    path("guidelines/read/", workbench.acknowledge, name="acknowledge"),
    path("preview/", workbench.preview, name="preview"),
    path("files/<file:file_id>/", files.file, name="file"),
    path("questions/", questions.on_claim, name="ask"),
    path("case/", cases.ask, name="ask_case"),
    path("review/", review.review, name="review"),
]

urlpatterns = [
    path("work/<clm:claim_id>/", include(one_claim)),
    path("work/claim/", expert.claim, name="claim"),
    path("work/", expert.home_page, name="home"),
    path("work/offers/", expert.offers_page, name="offers"),
    path("work/offers/<ofr:offer_id>/", expert.answer_offer, name="answer_offer"),
    path("work/mine/", expert.mine, name="mine"),
    path("work/pay/<pln:line_id>/", expert.pay_line, name="pay_line"),
    path("work/cases/", cases.mine, name="cases"),
    path("work/cases/<cas:case_id>/", cases.one, name="case"),
    path("desk/cases/", desk.queue, name="case_desk"),
    path("desk/cases/withhold/", desk.withhold, name="withhold"),
    path("desk/cases/<cas:case_id>/", desk.one, name="case_desk_one"),
    path("desk/cases/<cas:case_id>/decide/", desk.decide, name="decide_case"),
    path("desk/cases/<cas:case_id>/take/", desk.take, name="take_case"),
    path("desk/cases/<cas:case_id>/give-back/", desk.give_back, name="give_case_back"),
    path("work/questions/", questions.asked, name="asked"),
    path("lab/start/", console.start, name="start"),
    path("lab/batches/<bat:batch_id>/upload/", uploads.upload, name="upload"),
    path("lab/spend/", console.spend, name="spend"),
    path("lab/spend/spend.csv", console.spend_csv, name="spend_csv"),
    path("lab/projects/", lab.projects, name="projects"),
    path("lab/projects/<prj:project_id>/", lab.project, name="project"),
    path("lab/projects/<prj:project_id>/move/", lab.move_project, name="move_project"),
    path("lab/projects/<prj:project_id>/questions/", questions.of_project, name="questions"),
    path("lab/questions/<qst:question_id>/answer/", questions.answer, name="answer_question"),
    path("lab/batches/<bat:batch_id>/", lab.batch, name="batch"),
    path("lab/batches/<bat:batch_id>/progress/", lab.batch_progress, name="batch_progress"),
    path("lab/batches/<bat:batch_id>/move/", lab.move_batch, name="move_batch"),
    path("lab/batches/<bat:batch_id>/export/", lab.export_batch, name="export_batch"),
    path("lab/exports/", lab.exports, name="exports"),
    path("lab/exports/<exr:export_id>/", lab.download, name="export"),
]
