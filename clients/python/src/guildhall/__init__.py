"""The labs' client of Guildhall: push tasks, watch them done by experts, pull the results."""

from guildhall.client import Guildhall
from guildhall.errors import (
    ApiError,
    AuthenticationError,
    BadAnswer,
    BadFile,
    BadLine,
    ConflictError,
    ExportFailed,
    ForbiddenError,
    GuildhallError,
    InvalidError,
    NetworkError,
    NoAddress,
    NoKey,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TooMuch,
)
from guildhall.pushing import Pushed
from guildhall.retries import Retries
from guildhall.version import VERSION as __version__

__all__ = [
    "ApiError",
    "AuthenticationError",
    "BadAnswer",
    "BadFile",
    "BadLine",
    "ConflictError",
    "ExportFailed",
    "ForbiddenError",
    "Guildhall",
    "GuildhallError",
    "InvalidError",
    "NetworkError",
    "NoAddress",
    "NoKey",
    "NotFoundError",
    "Pushed",
    "RateLimitedError",
    "Retries",
    "ServerError",
    "TooMuch",
    "__version__",
]
