"""A document is parsed, measured and validated once; what fails is not kept."""

from __future__ import annotations

import pytest
from graphql import GraphQLSchema

from schema.build import build_schema
from schema.documents import Documents, Prepared, Refused
from schema.limits import OperationLimits

SCHEMA = build_schema()
GOOD = "{ __typename }"


def documents(*, introspection: bool = False, federation: bool = False, **limits: int) -> Documents:
    return Documents(
        SCHEMA, OperationLimits(**limits), introspection=introspection, federation=federation
    )


def refused(text: str, kept: Documents | None = None) -> str:
    with pytest.raises(Refused) as refusal:
        (kept or documents()).prepare(text)
    assert refusal.value.errors
    return refusal.value.code


class Counted(Documents):
    """Counts the documents that were examined."""

    examined = 0

    def _examined(self, text: str, schema: GraphQLSchema) -> Prepared:
        self.examined += 1
        return super()._examined(text, schema)


def counted(**bounds: int) -> Counted:
    return Counted(SCHEMA, OperationLimits(), introspection=False, federation=False, **bounds)


def test_a_document_that_was_seen_is_the_same_one() -> None:
    kept = counted()
    assert kept.prepare(GOOD) is kept.prepare(GOOD)
    assert kept.examined == 1
    assert kept.prepare(GOOD + " ") is not kept.prepare(GOOD)
    assert kept.examined == 2


@pytest.mark.parametrize("text", ["{", "{ none }", "", "{ ...f }", "\ud800"])
def test_a_failure_is_not_kept(text: str) -> None:
    kept = counted()
    for _ in range(3):
        refused(text, kept)
    assert kept.examined == 3


def test_the_total_length_of_what_is_kept_is_bounded() -> None:
    kept = counted(room=100)
    texts = [f"{{ __typename }} #{number:024}" for number in range(5)]
    assert {len(text) for text in texts} == {40}
    for text in texts:
        kept.prepare(text)
    assert kept.examined == 5
    kept.prepare(texts[4])
    kept.prepare(texts[3])
    assert kept.examined == 5
    kept.prepare(texts[2])
    assert kept.examined == 6


def test_the_number_of_those_that_are_kept_is_bounded() -> None:
    kept = counted(most=2)
    for text in ("{ a: __typename }", "{ b: __typename }", "{ c: __typename }") * 2:
        kept.prepare(text)
    assert kept.examined == 6
    kept.prepare("{ b: __typename }")
    assert kept.examined == 6


def test_what_was_used_last_is_kept_longest() -> None:
    kept = counted(room=100)
    first, second, third = (f"{{ __typename }} #{number:024}" for number in range(3))
    for text in (first, second, first, third):
        kept.prepare(text)
    assert kept.examined == 3
    kept.prepare(first)
    assert kept.examined == 3
    kept.prepare(second)
    assert kept.examined == 4


def test_a_document_larger_than_the_room_is_answered_and_not_kept() -> None:
    kept = counted(room=5)
    kept.prepare(GOOD)
    kept.prepare(GOOD)
    assert kept.examined == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ none }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ orders { nodes { id } } ...f } fragment f on Query { ...f }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("mutation { none }", "GRAPHQL_VALIDATION_FAILED"),
        ("type Query { a: Int }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ __schema { types { name } } }", "INTROSPECTION_DISABLED"),
        ("{ _service { sdl } }", "FEDERATION_DISABLED"),
        ("{ ...f } fragment f on Query { x: _service { sdl } }", "FEDERATION_DISABLED"),
        ("{ " + "__typename " * 301 + "}", "MAX_LIMIT"),
        ("{ " + "a " * 5001 + "}", "GRAPHQL_PARSE_FAILED"),
        ("{ __typename } #" + "x" * 20_001, "MAX_CHARACTERS_LIMIT"),
        ("{ __typename }" + "\n#" * 101, "GRAPHQL_PARSE_FAILED"),
        ("{a" * 1600 + "}" * 1600, "GRAPHQL_PARSE_FAILED"),
    ],
)
def test_a_document_is_refused_with_its_code(text: str, code: str) -> None:
    assert refused(text) == code


@pytest.mark.parametrize("length", [350, 600])
def test_a_long_chain_of_fragments_is_too_deep_and_no_crash(length: int) -> None:
    chain = "".join(f"fragment f{at} on Query{{...f{at + 1}}}" for at in range(length))
    text = f"{{...f0}}{chain}fragment f{length} on Query{{__typename}}"
    assert refused(text, documents(characters=100_000)) == "MAX_DEPTH_LIMIT"


def test_introspection_and_federation_are_open_where_they_are_switched_on() -> None:
    open_ = documents(introspection=True, federation=True)
    for text in ("{ __schema { types { name } } }", "{ _service { sdl } }"):
        assert open_.prepare(text).introspects


def test_no_more_than_five_errors_are_told() -> None:
    with pytest.raises(Refused) as refusal:
        documents().prepare("{ " + " ".join(f"none{n}" for n in range(9)) + " }")
    assert len(refusal.value.errors) <= 6
