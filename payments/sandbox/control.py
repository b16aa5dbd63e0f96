"""The control plane: what Stripe's dashboard, the banks and the passing of time would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from payments.sandbox.deliveries import Deliveries, Hook, Manners
from payments.sandbox.engine import Engine
from payments.sandbox.errors import ApiError
from payments.sandbox.faults import Fault
from payments.sandbox.resources.accounts import change_account
from payments.sandbox.resources.balances import move_payout, pay_out_everyone
from payments.sandbox.wire import Body
from payments.sandbox.world import World

DONE: Body = {"ok": True}


@dataclass(frozen=True)
class Panel:
    """The parts that the controls move."""

    world: World
    engine: Engine
    deliveries: Deliveries


def order(panel: Panel, method: str, path: str, values: Body) -> Body | list[object]:
    """Carry out one order and return its answer; an unknown one is a 404."""
    name, _, subject = path.partition("/")
    control = CONTROLS.get((method, name))
    if control is None:
        raise ApiError(404, f"There is no control {method} {path}.")
    with panel.world.lock:
        try:
            return control(panel, subject, values)
        except (TypeError, ValueError, KeyError) as error:
            raise ApiError(400, f"{name}: {error}") from error


def reset(panel: Panel, subject: str, values: Body) -> Body:
    """Forget everything."""
    panel.world.reset()
    panel.engine.reset()
    panel.deliveries.reset()
    return DONE


def add_fault(panel: Panel, subject: str, values: Body) -> Body:
    """Order a fault."""
    panel.engine.faults.orders.append(Fault(**values))
    return DONE


def clear_faults(panel: Panel, subject: str, values: Body) -> Body:
    """Call off all faults."""
    panel.engine.faults.orders.clear()
    return DONE


def set_account(panel: Panel, subject: str, values: Body) -> Body:
    """Set a connected account's capabilities and needs."""
    change_account(panel.world, subject, values)
    return DONE


def settle(panel: Panel, subject: str, values: Body) -> Body:
    """Make all pending money available now."""
    panel.world.settle(everything=True)
    return DONE


def move_clock(panel: Panel, subject: str, values: Body) -> Body:
    """Let time pass, and money settle by it."""
    panel.world.offset_seconds += int(values["advance"])
    panel.world.settle()
    return DONE


def expire_keys(panel: Panel, subject: str, values: Body) -> Body:
    """Forget all idempotency keys."""
    panel.engine.keys.expire()
    return DONE


def set_manners(panel: Panel, subject: str, values: Body) -> Body:
    """Set how deliveries misbehave."""
    panel.deliveries.manners = Manners(**values)
    return DONE


def set_hooks(panel: Panel, subject: str, values: Body) -> Body:
    """Replace the endpoints by ones with known secrets."""
    panel.world.hooks = [Hook(**hook) for hook in values["hooks"]]
    return DONE


def redeliver(panel: Panel, subject: str, values: Body) -> Body:
    """Send an event again to every endpoint that wants it."""
    record = panel.world.records[str(values["event"])]
    panel.deliveries.offer(panel.world.hooks, record.body, record.body.get("account"))
    return DONE


def set_payout(panel: Panel, subject: str, values: Body) -> Body:
    """Let the bank take, pay or refuse a payout."""
    return move_payout(panel.world, subject, **values)


def pay_out_all(panel: Panel, subject: str, values: Body) -> Body:
    """Pay every connected account's balance to its bank."""
    pay_out_everyone(panel.world)
    return DONE


def requests(panel: Panel, subject: str, values: Body) -> list[object]:
    """Return every authenticated request."""
    return list(panel.engine.requests)


def log(panel: Panel, subject: str, values: Body) -> list[object]:
    """Return every delivery: event, type, status."""
    return list(panel.deliveries.log)


Control = Callable[[Panel, str, Body], Body | list[object]]
CONTROLS: dict[tuple[str, str], Control] = {
    ("POST", "reset"): reset,
    ("POST", "faults"): add_fault,
    ("DELETE", "faults"): clear_faults,
    ("POST", "no_faults"): clear_faults,
    ("POST", "account"): set_account,
    ("POST", "settle"): settle,
    ("POST", "clock"): move_clock,
    ("POST", "expire_keys"): expire_keys,
    ("POST", "delivery"): set_manners,
    ("POST", "hooks"): set_hooks,
    ("POST", "redeliver"): redeliver,
    ("POST", "payout"): set_payout,
    ("POST", "autopayout"): pay_out_all,
    ("GET", "requests"): requests,
    ("GET", "log"): log,
}
