"""What is unusual in what somebody asks, over a window of time: one rule is one line of a table.

All is held in memory, and of so many principals only; a restart begins anew, but for what clients
are known to read. Of one principal a rule is told once in an hour.
"""

from __future__ import annotations

import math
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from auth.audit.entry import Event, Origin, Result, Who
from auth.bounded import Bounded

HOUR = 3600.0
PRINCIPALS = 2000
REQUESTS = 50
MOST_DENIED = 0.2
FEWEST_RECORDS = 5000
"""Different records in an hour that nobody is asked about, whatever others read."""
TIMES_OTHERS = 5
SAMPLES = 100
"""Hours of others that are known, at least, until anybody may read more than `FEWEST_RECORDS`."""
IN_A_ROW = 10
SENSITIVE = frozenset({"money", "pii", "secret"})
PERSONAL = frozenset({"pii", "secret"})
_NUMBER = re.compile(r"\d{1,18}$")
Figures = Mapping[str, str | int]


class Distinct:
    """About how many different texts were added, in 8 KiB (linear counting, Whang et al. 1990)."""

    BITS = 1 << 16

    def __init__(self) -> None:
        self._bits = bytearray(self.BITS // 8)
        self._zeros = self.BITS

    def add(self, text: str) -> None:
        place, bit = divmod(hash(text) & (self.BITS - 1), 8)
        if not self._bits[place] & (1 << bit):
            self._bits[place] |= 1 << bit
            self._zeros -= 1

    @property
    def count(self) -> int:
        return round(-self.BITS * math.log(max(self._zeros, 1) / self.BITS))


class Habits:
    """Of one principal. `usual`: how many different records others read in an hour."""

    def __init__(self, since: float, usual: int) -> None:
        self.since = since
        self.usual = usual
        self.denied: deque[bool] = deque(maxlen=REQUESTS)
        self.records = Distinct()
        self.last_id = ("", 0)
        self.in_a_row = 1

    @property
    def most(self) -> int:
        """Different records in an hour that nobody is asked about."""
        return max(FEWEST_RECORDS, TIMES_OTHERS * self.usual)


class Look(NamedTuple):
    """One event, and what is known beside it. `ids` are those of the records that were shown;
    `hour` is UTC's."""

    event: Event
    ids: tuple[str, ...]
    habits: Habits
    known: KnownUses
    hour: int
    usual_hours: tuple[int, int] | None


Rule = Callable[[Look], Figures | None]


class KnownUses:
    """Which classes of fields a client was seen to read; kept in a file, if there is one."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: set[str] = set()
        if path is not None and path.exists():
            self._known = set(path.read_text(encoding="utf-8", errors="replace").splitlines())

    def is_first(self, client: str, class_: str) -> bool:
        """True once."""
        line = f"{class_} {client!r}"
        if line in self._known:
            return False
        self._known.add(line)
        # If it cannot be kept, it is told once more after a restart.
        with suppress(OSError):
            self._keep(line)
        return True

    def _keep(self, line: str) -> None:
        if self._path is not None:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8") as file:
                file.write(line + "\n")


def denied_ratio(look: Look) -> Figures | None:
    """Somebody tries what it may not see."""
    denied = look.habits.denied
    denied.append(look.event.outcome in (Result.DENIED, Result.FILTERED))
    if len(denied) < REQUESTS or sum(denied) <= MOST_DENIED * REQUESTS:
        return None
    return {"denied": sum(denied), "requests": REQUESTS}


def enumeration(look: Look) -> Figures | None:
    """Somebody reads far more different records than others do."""
    for id_ in look.ids:
        look.habits.records.add(id_)
    count, most = look.habits.records.count, look.habits.most
    return {"records": count, "most": most} if count > most else None


def sequential_ids(look: Look) -> Figures | None:
    """Somebody counts through ids, one record after the other."""
    habits = look.habits
    if len(look.ids) != 1 or (number := _NUMBER.search(look.ids[0])) is None:
        return None
    lead, at = look.ids[0][: number.start()], int(number[0])
    follows = habits.last_id in ((lead, at - 1), (lead, at + 1))
    habits.in_a_row = habits.in_a_row + 1 if follows else 1
    habits.last_id = lead, at
    return {"in_a_row": habits.in_a_row} if habits.in_a_row >= IN_A_ROW else None


def first_use(look: Look) -> Figures | None:
    """A client reads money or personal data that it never did."""
    client = look.event.principal.client_id if look.event.principal is not None else None
    touched = sorted(SENSITIVE.intersection(look.event.classes))
    first = [class_ for class_ in touched if look.known.is_first(client or "", class_)]
    return {"classes": " ".join(first)} if first else None


def partner_introspection(look: Look) -> Figures | None:
    is_partner = look.event.principal is not None and look.event.principal.partner is not None
    return {} if is_partner and look.event.action == "introspection" else None


def unusual_hour(look: Look) -> Figures | None:
    """Personal data or refunds are read when nobody works, if it is known when somebody does."""
    if look.usual_hours is None:
        return None
    begin, end = look.usual_hours
    within = begin <= look.hour < end if begin < end else not end <= look.hour < begin
    is_personal = "Refund" in look.event.records or PERSONAL.intersection(look.event.classes)
    return {"hour": look.hour} if is_personal and not within else None


RULES: Mapping[str, Rule] = {
    "denied_ratio": denied_ratio,
    "enumeration": enumeration,
    "sequential_ids": sequential_ids,
    "first_use": first_use,
    "partner_introspection": partner_introspection,
    "unusual_hour": unusual_hour,
}
NEWS = frozenset({"first_use"})
"""Rules that tell each thing once by themselves, and nothing that is bad in itself."""


class Alerts:
    """`wall` is seconds since 1970, `usual_hours` hours of UTC."""

    def __init__(
        self,
        wall: Callable[[], float],
        known: KnownUses | None = None,
        usual_hours: tuple[int, int] | None = None,
    ) -> None:
        self._wall = wall
        self._known = known or KnownUses()
        self._usual_hours = usual_hours
        self._habits: Bounded[Who, Habits] = Bounded(PRINCIPALS)
        self._quiet: Bounded[tuple[Who, str], bool] = Bounded(PRINCIPALS * len(RULES))
        self._before: deque[tuple[Who, int]] = deque(maxlen=1000)

    def observe(self, event: Event, ids: Iterable[str] = ()) -> list[Event]:
        """The alerts that an event gives rise to."""
        who = event.principal
        if who is None:
            return []
        now = self._wall()
        look = Look(
            event,
            tuple(ids),
            self._of(who, now),
            self._known,
            int(now % 86_400 // 3600),
            self._usual_hours,
        )
        found = {name: rule(look) for name, rule in RULES.items()}
        return [
            _alert(event, who, name, figures)
            for name, figures in found.items()
            if figures is not None and self._is_news(who, name, now)
        ]

    def _of(self, who: Who, now: float) -> Habits:
        """Those of its hour; how much it read in the hour before is what others are measured by,
        unless it was too much: whoever takes everything, slowly, would be what is usual."""
        habits = self._habits.get(who, now)
        if habits is None:
            habits = Habits(now, self._usual(who))
        elif now - habits.since >= HOUR:
            if (count := habits.records.count) <= habits.most:
                self._before.append((who, count))
            habits.since, habits.records, habits.usual = now, Distinct(), self._usual(who)
        self._habits.put(who, habits, now, now + 24 * HOUR)
        return habits

    def _usual(self, who: Who) -> int:
        """What 99 of 100 hours of others stay below; 0 while too few are known."""
        others = sorted(count for whose, count in self._before if whose != who)
        return others[int(len(others) * 0.99)] if len(others) >= SAMPLES else 0

    def _is_news(self, who: Who, name: str, now: float) -> bool:
        if name in NEWS:
            return True
        if self._quiet.get((who, name), now):
            return False
        self._quiet.put((who, name), True, now, now + HOUR)
        return True


def _alert(event: Event, who: Who, rule: str, figures: Figures) -> Event:
    return Event(
        action="alert",
        origin=Origin.SYSTEM,
        principal=who,
        about={"rule": rule, **figures},
        request_id=event.request_id,
        ip=event.ip,
    )
