"""What must hold for a field to be seen: alternatives of atoms that must all be granted.

An atom is `authenticated`, a scope or a named policy, spelled so that no scope can pass for another
atom. Alternatives are kept without those that another one makes needless.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import msgspec

AUTHENTICATED_ATOM = "authenticated"
SCOPE = "scope:"
POLICY = "policy:"

Clause = frozenset[str]


class Requirement(msgspec.Struct, frozen=True):
    """Met when every atom of one clause is granted. No clause at all: never met."""

    clauses: frozenset[Clause]

    def met_by(self, granted: frozenset[str]) -> bool:
        # A loop, because it is asked for every field of every request.
        for clause in self.clauses:  # noqa: SIM110
            if clause <= granted:
                return True
        return False

    def implies(self, weaker: Requirement) -> bool:
        """Whether everyone who meets this one meets the other."""
        return all(any(w <= clause for w in weaker.clauses) for clause in self.clauses)

    @property
    def atoms(self) -> frozenset[str]:
        return frozenset().union(*self.clauses)

    def alternatives(self, prefix: str) -> list[list[str]]:
        """The names of the atoms of a kind, as the federation directives write them."""
        found = {
            tuple(sorted(atom.removeprefix(prefix) for atom in clause if atom.startswith(prefix)))
            for clause in self.clauses
        }
        return [list(names) for names in sorted(found) if names]

    def __str__(self) -> str:
        """For people: `(orders:money and orders:read) or admin`."""
        if self == NEVER:
            return "nobody"
        parts = [_words(clause) for clause in sorted(self.clauses, key=sorted)]
        return parts[0] if len(parts) == 1 else " or ".join(f"({part})" for part in parts)


def _words(clause: Clause) -> str:
    named = sorted(atom.removeprefix(SCOPE) for atom in clause if atom != AUTHENTICATED_ATOM)
    if named:
        return " and ".join(named)
    return AUTHENTICATED_ATOM if clause else "anybody"


def _of(clauses: Iterable[Clause]) -> Requirement:
    """Drops a clause that asks for more than another one does."""
    found = set(clauses)
    return Requirement(frozenset(c for c in found if not any(other < c for other in found)))


def all_of(*requirements: Requirement) -> Requirement:
    """All must be met."""
    return reduce(lambda a, b: _of(x | y for x in a.clauses for y in b.clauses), requirements)


def any_of(*requirements: Requirement) -> Requirement:
    """One must be met; NEVER without any."""
    return _of(clause for each in requirements for clause in each.clauses)


PUBLIC = Requirement(frozenset({frozenset()}))
AUTHENTICATED = Requirement(frozenset({frozenset({AUTHENTICATED_ATOM})}))
NEVER = Requirement(frozenset())


def scopes(*alternatives: str) -> Requirement:
    """`scopes("a b", "c")` is (a and b) or c, of an identified principal."""
    return any_of(*(_clause(SCOPE, names) for names in alternatives))


def policies(*alternatives: str) -> Requirement:
    """As `scopes`, of named policies."""
    return any_of(*(_clause(POLICY, names) for names in alternatives))


def _clause(prefix: str, names: str) -> Requirement:
    return Requirement(
        frozenset({frozenset({AUTHENTICATED_ATOM, *(prefix + name for name in names.split())})})
    )
