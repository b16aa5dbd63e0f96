"""Sign people in as allauth does; the person of a session was read with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser

from accounts.models import User

_at_hand: ContextVar[User | None] = ContextVar("at_hand", default=None)


@contextmanager
def at_hand(person: User | None) -> Iterator[None]:
    """Let the backend find this person without asking the database again."""
    token = _at_hand.set(person)
    try:
        yield
    finally:
        _at_hand.reset(token)


class AccountBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's own, which looks at who is at hand first."""

    def user_can_authenticate(self, user: AbstractBaseUser) -> bool:
        """Say whether the account is open to somebody: a simulated one is to nobody."""
        return super().user_can_authenticate(user) and not getattr(user, "is_simulated", False)

    def get_user(self, user_id: object) -> User | None:
        """Return the person if their account is open."""
        person = _at_hand.get()
        if person is None or person.pk != User._meta.pk.to_python(user_id):
            return super().get_user(user_id)  # type: ignore[no-any-return]  # as above
        return person if self.user_can_authenticate(person) else None
