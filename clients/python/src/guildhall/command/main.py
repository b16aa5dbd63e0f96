"""The command's beginning and end: who calls, what went wrong, how to go on."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from guildhall.client import Guildhall
from guildhall.command.arguments import parsed
from guildhall.command.exits import INTERRUPTED, NO_NETWORK, OK, TROUBLE, exit_code
from guildhall.command.screen import Screen
from guildhall.errors import ApiError, GuildhallError


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return its exit code, as ``exits`` explains them."""
    options = parsed(arguments)
    screen = Screen(is_json=options.json)
    try:
        with Guildhall.from_environment(on_pause=screen.say_pause) as lab:
            code: int = options.run(lab, options, screen)
            return code
    except KeyboardInterrupt:
        screen.say(f"Interrupted. {screen.how_to_go_on()}")
        return INTERRUPTED
    except BrokenPipeError:  # Whoever read the results has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (GuildhallError, OSError) as error:
        screen.say(f"guildhall: {error}")
        if isinstance(error, ApiError):
            screen.list_errors(error.errors)
            if error.request_id:
                screen.say(f"If you ask about it, name this request: {error.request_id}")
        code = exit_code(error)
        if code in (NO_NETWORK, TROUBLE):
            screen.say(screen.how_to_go_on())
        return code
