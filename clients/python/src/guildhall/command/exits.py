"""What the command's exit codes say."""

from __future__ import annotations

from typing import Final

from guildhall.errors import (
    AuthenticationError,
    BadAnswer,
    ForbiddenError,
    NetworkError,
    NoAddress,
    NoKey,
    RateLimitedError,
    ServerError,
)

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
NO_ACCESS: Final = 3
NO_NETWORK: Final = 4
TROUBLE: Final = 5
INTERRUPTED: Final = 130  # 128 and the number of SIGINT, as shells have it.

EXPLAINED: Final = """\
exit codes:
  0    done
  1    refused, or done in part: lines were rejected, a batch was cancelled, an export failed
  2    the command line is wrong, or a file cannot be read or written
  3    no key, or one that is not valid or not for this
  4    no answer from the site, after every attempt
  5    trouble at the site, after every attempt
  130  interrupted; the last line says how to go on

environment:
  GUILDHALL_API_KEY  the key; it is never taken from the command line
  GUILDHALL_URL      the site's address, as https://guildhall.example
"""


def exit_code(error: Exception) -> int:
    """Return what to exit with after an error."""
    if isinstance(error, (NoKey, AuthenticationError, ForbiddenError)):
        return NO_ACCESS
    if isinstance(error, (NetworkError, BadAnswer)):
        return NO_NETWORK
    if isinstance(error, (RateLimitedError, ServerError)):
        return TROUBLE
    return USAGE if isinstance(error, (OSError, NoAddress)) else REFUSED
