"""The base of every labs' endpoint: key, scope, throttle, body guards, idempotency and problems, in that order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Token
from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from kernel.db import app_now, before_commit
from labs.doors import bodies, idempotency
from labs.doors.authentication import HasScope, LabKeyAuthentication
from labs.doors.problems import problem
from labs.doors.throttles import KeyThrottle
from labs.models import ApiKey, Lab

Row = TypeVar("Row", bound=Model)
REPLAYED = "Idempotent-Replayed"


class AlwaysJson(BaseContentNegotiation):
    """Answer JSON whatever is asked for: there is nothing else to choose from."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        """Take the first parser; bodies are read by ``labs.doors.bodies``."""
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Take the first renderer."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class Replay(Exception):
    """Carry the stored answer of an earlier request past the handler."""

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__("replayed")
        self.response = response


class LabView(APIView):
    """One address of the labs' API. ``scopes`` names the scope each method needs; None takes any key."""

    authentication_classes = (LabKeyAuthentication,)
    permission_classes = (HasScope,)
    throttle_classes = (KeyThrottle,)
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson
    metadata_class = None

    scopes: ClassVar[dict[str, str | None]] = {}
    max_body_bytes: ClassVar[int] = bodies.MAX_JSON_BYTES
    content_types: ClassVar[tuple[str, ...]] = (bodies.JSON,)
    # A streamed body is read by the handler, which reserves its key and closes it by itself.
    is_streamed: ClassVar[bool] = False
    # An answer that holds a secret is not stored: for a key that comes again, ``rebuilt`` makes it anew.
    keeps_answers: ClassVar[bool] = True

    raw: bytes = b""
    reservation: idempotency.Reservation | None = None
    rate_headers: dict[str, str]

    @property
    def key(self) -> ApiKey:
        """The key that calls."""
        key = self.request.auth
        assert isinstance(key, ApiKey)
        return key

    @property
    def lab(self) -> Lab:
        """The lab that calls."""
        return self.key.lab

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Answer problems, whatever the settings say."""
        return problem

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request; the hook that closes its key is set for no longer than that."""
        self.rate_headers = {}
        self._hook: Token[Callable[[object], None] | None] | None = None
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            self._unhook()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who calls, then read the body and take the key it names."""
        super().initial(request, *args, **kwargs)
        if self.is_streamed or request.method not in {"POST", "PATCH", "PUT", "DELETE"}:
            return
        self.raw = bodies.read_body(request._request, at_most=self.max_body_bytes)
        if self.raw:
            bodies.content_type_of(request._request, allowed=self.content_types)
        name = request.headers.get("Idempotency-Key")
        if request.method == "POST" and name is not None:
            fingerprint = idempotency.fingerprint_of("POST", request.get_full_path(), self.raw)
            self._begin(name, fingerprint)
            self._hook_commit()

    def body(self, serializer: type[BaseSerializer[Any]], **options: Any) -> dict[str, Any]:
        """Return the body as ``serializer`` validates it."""
        checked = serializer(data=bodies.parse_object(self.raw, at_most=self.max_body_bytes), **options)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def rebuilt(self, object_id: str) -> Response:
        """Rebuild the answer of an earlier POST whose stored body is missing; creating views override it."""
        return Response({"id": object_id}, status=200)

    # A stored answer, or a file, is no Response of the framework, which takes either.
    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]  # See above.
        """Answer a stored reply as it is; give the key back for anything else."""
        if isinstance(exc, Replay):
            return exc.response
        if self.reservation is not None:
            self._unhook()
            self.reservation.free()
            self.reservation = None
        return super().handle_exception(exc)

    def finalize_response(  # type: ignore[override]  # As for handle_exception.
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Add the rate headers, and keep the answer for those who ask again."""
        final: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]  # As above.
        for name, value in self.rate_headers.items():
            final.headers[name] = value
        final.headers["Cache-Control"] = "no-store"
        is_kept = self.keeps_answers and self.reservation is not None
        if is_kept and isinstance(final, Response) and final.status_code < 400:
            final.add_post_render_callback(self._store)
        return final

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Let the next action close the key: for streamed bodies, whose earlier actions must not."""
        if self.reservation is not None:
            self._hook_commit()
        try:
            yield
        finally:
            self._unhook()

    def reserve_stream(self, name: str) -> idempotency.Stored | None:
        """Take the key for a body that is still to be read; return what an earlier request left."""
        taken = idempotency.reserve(self.key, name, fingerprint=b"", now=app_now())
        if isinstance(taken, idempotency.Stored):
            return taken
        self.reservation = taken
        return None

    def replay(self, stored: idempotency.Stored) -> HttpResponseBase:
        """Answer as the first request was answered."""
        response: HttpResponseBase
        if stored.body is None or stored.status is None:
            response = self.rebuilt(stored.object_id)
        else:
            response = HttpResponse(stored.body, status=stored.status, content_type=stored.content_type)
        response.headers[REPLAYED] = "true"
        return response

    def _begin(self, name: str, fingerprint: bytes) -> None:
        taken = idempotency.reserve(self.key, name, fingerprint=fingerprint, now=app_now())
        if isinstance(taken, idempotency.Stored):
            raise Replay(self.replay(taken))
        self.reservation = taken

    def _hook_commit(self) -> None:
        assert self.reservation is not None
        self._hook = before_commit.set(self.reservation.close)

    def _unhook(self) -> None:
        if self._hook is not None:
            before_commit.reset(self._hook)
            self._hook = None

    def _store(self, response: Response) -> None:
        if self.reservation is not None:
            self.reservation.store_answer(
                response.status_code, str(response.headers["Content-Type"]), bytes(response.rendered_content)
            )
