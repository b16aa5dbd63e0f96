"""The clock of a story: it only goes forward, and the house's one clock goes with it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from accounts.clock import set_offset


class StoryClock:
    """Where the story is; moving it moves ``app_now()`` for everybody."""

    def __init__(self) -> None:
        """Start four weeks before this week's Monday, at nine in the morning."""
        today = (datetime.now(UTC) - timedelta(hours=12)).date()  # So that the last run was built some hours ago.
        self.this_monday = today - timedelta(days=today.weekday())
        self.now = datetime.combine(self.this_monday - timedelta(weeks=4), time(9), tzinfo=UTC)
        self.go_to(self.now)

    def go_to(self, moment: datetime) -> datetime:
        """Move to ``moment``, or stay where the story already is later."""
        self.now = max(self.now, moment)
        set_offset(self.now - datetime.now(UTC))
        return self.now

    def pass_minutes(self, minutes: int) -> datetime:
        """Let some minutes pass."""
        return self.go_to(self.now + timedelta(minutes=minutes))

    def monday(self, weeks_ago: int) -> datetime:
        """Return a Monday's first minutes, when a week's run can be built."""
        return datetime.combine(self.this_monday - timedelta(weeks=weeks_ago), time(0, 30), tzinfo=UTC)

    def come_home(self) -> datetime:
        """Come back to the true time, however the story went."""
        set_offset(timedelta(0))
        self.now = datetime.now(UTC)
        return self.now
