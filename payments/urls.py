"""Where the pages of money are."""

from __future__ import annotations

from django.urls import path

from payments import webhooks
from payments.views import (
    correction_desk,
    desk,
    desk_moves,
    documents,
    expert,
    journal_desk,
    lab,
    ledger_desk,
    public,
    reconcile_desk,
    stop_desk,
    taxes,
)

app_name = "payments"

urlpatterns = [
    path("rates/", public.rates, name="rates"),
    path("earnings/", expert.earnings, name="earnings"),
    path("earnings/statement-<int:year>.csv", expert.statement, name="statement"),
    path("earnings/statement-<int:year>-<int:month>.csv", expert.statement, name="month_statement"),
    path("earnings/<int:year>/", expert.year, name="year"),
    path("earnings/payee/", expert.payee, name="payee"),
    path("earnings/tax/", taxes.tax, name="tax"),
    path("desk/corrections/", correction_desk.corrections, name="corrections"),
    path("desk/corrections/<cor:correction_id>/<slug:verb>/", correction_desk.decide, name="decide_correction"),
    path("desk/journal/", journal_desk.journal, name="journal"),
    path("desk/journal/<jnl:batch_id>.csv", journal_desk.journal_csv, name="journal_csv"),
    path("desk/tax/", taxes.tax_desk, name="tax_desk"),
    path("desk/tax/tax-<int:year>.csv", taxes.tax_csv, name="tax_csv"),
    path("documents/<doc:document_id>/", documents.document, name="document"),
    path("lab/funds/", lab.funds, name="funds"),
    path("lab/funds/pay/", lab.pay_in, name="pay_in"),
    path("desk/ledger/", ledger_desk.ledger, name="ledger"),
    path("desk/ledger/statement.csv", ledger_desk.ledger_csv, name="ledger_csv"),
    path("desk/payouts/", desk.runs, name="runs"),
    path("desk/payouts/build/", desk.build, name="build_run"),
    path("desk/payouts/stop/", stop_desk.stop, name="stop"),
    path("desk/payouts/stop/lift/", stop_desk.lift, name="lift_stop"),
    path("desk/payouts/reconcile/", reconcile_desk.reconcile, name="reconcile"),
    path("desk/payouts/reconcile/<dif:difference_id>/", reconcile_desk.resolve, name="resolve_difference"),
    path("desk/payouts/<run:run_id>/", desk.run, name="run"),
    path("desk/payouts/<run:run_id>/items.csv", desk.run_csv, name="run_csv"),
    path("desk/payouts/<run:run_id>/approve/", desk_moves.approve, name="approve_run"),
    path("desk/payouts/<run:run_id>/<slug:verb>/", desk_moves.move_run, name="move_run"),
    path("desk/payouts/items/<itm:item_id>/<slug:verb>/", desk_moves.move_item, name="move_item"),
    path("stripe/webhook/<slug:endpoint>", webhooks.receive, name="webhook"),
]
