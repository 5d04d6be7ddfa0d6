"""What of an operation may be seen: every way round a rule that was ever found, tried."""

from __future__ import annotations

from typing import Any

import pytest

from auth.access import Policy
from auth.requirement import AUTHENTICATED, PUBLIC, all_of, policies, scopes
from auth.rules import FieldClass, Mask, Masking, Rule, TypeRule, of_type
from tests.schema.guarded import DRY, Guarded, who

SDL = """
type Query { users: [User!] me: User post(id: ID): Post
  posts(by: String, order: Order, by_all: [Order!]): [Post]
  secret: Secret level: Level stamp: Stamp vip: String open: String both: String }
interface Post { id: ID title: String body: String }
type Blog implements Post { id: ID title: String body: String likes: Int }
type PrivateBlog implements Post { id: ID title: String body: String owner: String }
type Hidden implements Post { id: ID title: String body: String }
type User { name: String email: String card: String! friend: User! best: User tags: [[String]] }
type Secret { a: String b: String }
enum Level { LOW HIGH }
scalar Stamp
enum Order { TITLE NEWEST }
"""
S = {name: scopes(name) for name in ("email", "card", "body", "hidden", "secret")}
RULES: dict[str, TypeRule] = {
    "Query": of_type(
        PUBLIC,
        relations="users me post posts secret level stamp",
        fields={
            "vip": Rule(needs=policies("vip")),
            "open": Rule(class_=FieldClass.PUBLIC, needs=PUBLIC),
            # Two connectors that hold the same field: both must allow it.
            "both": Rule(needs=all_of(scopes("one", "two"), scopes("three"))),
        },
    ),
    "Blog": of_type(business="id title body likes"),
    "PrivateBlog": of_type(business="id title owner", fields={"body": Rule(needs=S["body"])}),
    "Hidden": of_type(S["hidden"], business="id title body"),
    "User": of_type(
        business="tags name",
        relations="best",
        fields={
            "email": Rule(
                class_=FieldClass.PII,
                needs=scopes("user"),
                masking=Masking(Mask.EMAIL, S["email"]),
            ),
            "card": Rule(needs=AUTHENTICATED),
            "friend": Rule(needs=AUTHENTICATED, relation=True),
        },
    ),
    "Secret": of_type(S["secret"], business="a b"),
    "Level": TypeRule(S["secret"], {}),
    "Stamp": TypeRule(S["secret"], {}),
}
READS: dict[str, tuple[str, ...]] = {
    "Query.post(id)": (),
    "Query.posts(by)": ("PrivateBlog.body",),
    "Order.TITLE": ("PrivateBlog.body",),
    "Order.NEWEST": (),
}
USER: dict[str, Any] = {"name": "n", "email": "john@example.com", "card": "c", "tags": [["x"]]}
USER["friend"] = USER["best"] = {**USER, "name": "f"}
BLOG = {"__typename": "Blog", "id": "1", "title": "t", "body": "b", "likes": 1}
PRIVATE = {"__typename": "PrivateBlog", "id": "2", "title": "p", "body": "x", "owner": "o"}
DATA: dict[str, Any] = {
    "users": [USER, USER, USER],
    "me": USER,
    "post": PRIVATE,
    "posts": [BLOG, PRIVATE],
    "secret": {"a": "a", "b": "b"},
    "level": "LOW",
    "stamp": "now",
    "vip": "v",
    "open": "o",
    "both": "b",
}


@pytest.fixture
def graph() -> Guarded:
    return Guarded(SDL, RULES, DATA, READS)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ me { name email } }", {}),
        ("{ me { name ...F } } fragment F on User { email }", {}),
        ("{ me { name ...F } } fragment F on User { ...G } fragment G on User { email }", {}),
        ("{ me { name ... { email } } }", {}),
        ("{ me { name ... on User { email } } }", {}),
        ("query Q($v: Boolean!) { me { name email @include(if: $v) } }", {"v": True}),
        ("query Q($v: Boolean = false) { me { name email @skip(if: $v) } }", {}),
        ("query Q($v: Boolean!) { me { name ... @include(if: $v) { email } } }", {"v": True}),
        ("{ me { name email email } }", {}),
    ],
)
def test_a_denied_field_is_null_wherever_it_stands(
    graph: Guarded, query: str, variables: dict[str, Any]
) -> None:
    assert graph.answer(query, "", variables) == (
        {"me": {"name": "n", "email": None}},
        [["me", "email"]],
    )


def test_an_alias_is_no_other_field(graph: Guarded) -> None:
    data, denied = graph.answer("{ you: me { name: email n: name x: email } }")
    assert data == {"you": {"name": None, "n": "n", "x": None}}
    assert denied == [["you", "name"], ["you", "x"]]


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query Q($v: Boolean!) { me { name email @include(if: $v) } }", {"v": False}),
        ("query Q($v: Boolean!) { me { name email @skip(if: $v) } }", {"v": True}),
        ("{ me { name email @skip(if: true) } }", {}),
        ("query Q($v: Boolean!) { me { name ...F @skip(if: $v) } } fragment F on User { email }",
         {"v": True}),
    ],
)  # fmt: skip
def test_what_is_skipped_is_not_denied(
    graph: Guarded, query: str, variables: dict[str, Any]
) -> None:
    assert graph.answer(query, "", variables) == ({"me": {"name": "n"}}, [])


def test_only_the_operation_that_is_chosen_counts(graph: Guarded) -> None:
    query = "query A { me { name } } query B { me { email } }"
    assert graph.answer(query, name="A") == ({"me": {"name": "n"}}, [])
    assert graph.answer(query, name="B") == (None, [["me", "email"]])


def test_a_list_has_one_error_and_tells_no_length(graph: Guarded) -> None:
    data, denied = graph.answer("{ users { name email } }")
    assert data == {"users": [{"name": "n", "email": None}] * 3}
    assert denied == [["users", "@", "email"]]


def test_what_is_empty_is_not_asked_for(graph: Guarded) -> None:
    data, denied = graph.answer("{ me { email best { email } } users { name } secret { a b } }")
    assert data == {"me": None, "users": [{"name": "n"}] * 3, "secret": None}
    assert denied == [["me", "email"], ["me", "best", "email"], ["secret"]]
    assert graph.asked == ["users"]


def test_nothing_is_left_of_an_operation_that_may_see_nothing(graph: Guarded) -> None:
    assert graph.answer("{ me { email } secret { a } }") == (None, [["me", "email"], ["secret"]])
    assert graph.asked == []


@pytest.mark.parametrize("field", ["secret { a }", "level", "stamp"])
def test_a_rule_of_a_type_holds_for_all_that_is_of_it(graph: Guarded, field: str) -> None:
    name = field.partition(" ")[0]
    assert graph.answer(f"{{ open {field} }}") == ({"open": "o", name: None}, [[name]])
    data, denied = graph.answer(f"{{ {field} }}", "secret")
    assert data[name] is not None
    assert denied == []


@pytest.mark.parametrize("held", ["", "one", "three", "one two", "one three", "two three"])
def test_what_two_rules_say_of_a_field_must_both_hold(graph: Guarded, held: str) -> None:
    data, _ = graph.answer("{ open both }", held)
    assert data["both"] == ("b" if held in ("one three", "two three") else None)


def test_an_interface_asks_for_what_all_its_types_do(graph: Guarded) -> None:
    data, denied = graph.answer("{ posts { title body } }")
    assert data == {"posts": [{"title": "t", "body": None}, {"title": "p", "body": None}]}
    assert denied == [["posts", "@", "body"]]
    data, denied = graph.answer("{ posts { title body } }", "body")
    assert data["posts"][1] == {"title": "p", "body": "x"}
    assert denied == []


@pytest.mark.parametrize(
    "query",
    [
        "{ posts { title ... on Blog { body } ... on PrivateBlog { body } } }",
        "{ posts { title ...B ...P } } fragment B on Blog { body } fragment P on PrivateBlog "
        "{ body }",
        "{ posts { title ... on Post { ... on Blog { body } ... on PrivateBlog { body } } } }",
    ],
)
def test_a_fragment_on_an_implementation_is_no_way_round(graph: Guarded, query: str) -> None:
    data, denied = graph.answer(query)
    assert data["posts"] == [{"title": "t", "body": "b"}, {"title": "p", "body": None}]
    assert denied == [["posts", "@", "body"]]


def test_the_same_key_is_seen_by_the_way_that_is_allowed(graph: Guarded) -> None:
    data, denied = graph.answer("{ posts { title body ... on Blog { body } } }")
    assert data["posts"] == [{"title": "t", "body": "b"}, {"title": "p", "body": None}]
    assert denied == [["posts", "@", "body"]]


@pytest.mark.parametrize(
    ("query", "me"),
    [
        ("{ me { mail: email } me { name } }", {"mail": None, "name": "n"}),
        (
            "{ ...F me { name } } fragment F on Query { me { mail: email } }",
            {"mail": None, "name": "n"},
        ),
        (
            "{ me { mail: email } ... { me { best { name } } } }",
            {"mail": None, "best": {"name": "f"}},
        ),
        (
            "{ me { name } me { best { mail: email } } me { best { name } mail: email } }",
            {"name": "n", "best": {"mail": None, "name": "f"}, "mail": None},
        ),
    ],
)
def test_a_key_keeps_its_denied_part_where_another_part_is_seen(
    graph: Guarded, query: str, me: dict[str, Any]
) -> None:
    assert graph.answer(query, "")[0] == {"me": me}


def test_a_key_of_which_nothing_is_seen_by_any_way_is_null(graph: Guarded) -> None:
    query = """query Q($v: Boolean = true) { me { email } me { e: email }
      me { name @skip(if: $v) } open }"""
    assert graph.answer(query, "")[0] == {"me": None, "open": "o"}
    assert graph.asked == ["open"]


def test_a_branch_on_a_type_that_may_not_be_seen_is_named(graph: Guarded) -> None:
    data, denied = graph.answer("{ posts { title ... on Hidden { id } } }")
    assert data["posts"][0] == {"title": "t"}
    assert denied == [["posts", "@", "... on Hidden"]]


def test_a_branch_that_nothing_can_reach_is_no_denial(graph: Guarded) -> None:
    query = "{ posts { title ... on Blog { ... on Post { ... on Hidden { id } } } } }"
    assert graph.answer(query)[1] == []


def test_a_null_where_none_may_stand_goes_up(graph: Guarded) -> None:
    """The lint refuses such rules in our schema; another's answer must still be right."""
    user = graph.schema.type_map["User"]
    strict: Any = user
    for name in ("card", "friend"):
        extensions = strict.fields[name].extensions
        access = extensions["tillgate-access"]
        extensions["tillgate-access"] = type(access)(access.rule, scopes("card"))
    assert graph.answer("{ me { name card } users { name } }")[0] == {
        "me": None,
        "users": [{"name": "n"}] * 3,
    }
    assert graph.answer("{ users { name card } open }")[0] == {"users": None, "open": "o"}
    assert graph.answer("{ me { name best { name friend { name } } } }")[0] == {
        "me": {"name": "n", "best": None}
    }


def test_a_mask_is_put_on_and_told(graph: Guarded) -> None:
    query = "{ me { e: email } users { email } }"
    access = Policy().access(who("user"))
    decided = graph.decide(query, access.granted)
    assert decided.masked == (("me", "e"), ("users", "@", "email"))
    shown = graph.answer(query, "user")[0]
    assert shown == {"me": {"e": "j***@e***.com"}, "users": [{"email": "j***@e***.com"}] * 3}
    assert graph.answer(query, "user email")[0]["me"] == {"e": "john@example.com"}
    assert graph.decide(query, Policy().access(who("user email")).granted).masked == ()


@pytest.mark.parametrize(
    ("query", "variables", "refused"),
    [
        ('{ posts(by: "x") { title } open }', {}, True),
        ("query Q($b: String) { posts(by: $b) { title } open }", {"b": "x"}, True),
        ('query Q($b: String = "x") { posts(by: $b) { title } open }', {}, True),
        ("query Q($b: String) { posts(by: $b) { title } open }", {"b": None}, False),
        ("query Q($b: String) { posts(by: $b) { title } open }", {}, False),
        ("{ posts(order: TITLE) { title } open }", {}, True),
        ("{ posts(order: NEWEST) { title } open }", {}, False),
        ("{ posts(by_all: [NEWEST, TITLE]) { title } open }", {}, True),
        ("{ posts(by_all: [NEWEST]) { title } open }", {}, False),
        ("query Q($o: [Order!]) { posts(by_all: $o) { title } open }", {"o": ["TITLE"]}, True),
        ("query Q($o: [Order!]) { posts(by_all: $o) { title } open }", {"o": "TITLE"}, True),
        ("query Q($o: Order) { posts(order: $o) { title } open }", {"o": "TITLE"}, True),
        ("query Q($o: Order) { posts(order: $o) { title } open }", {"o": "NEWEST"}, False),
    ],
)
def test_asking_by_a_field_is_reading_it(
    graph: Guarded, query: str, variables: dict[str, Any], refused: bool
) -> None:
    data, denied = graph.answer(query, "", variables)
    assert denied == ([["posts"]] if refused else [])
    assert (data["posts"] is None) is refused
    assert ("posts" in graph.asked) is not refused
    assert graph.answer(query, "body", variables)[0]["posts"] is not None


def test_which_argument_it_was_is_told(graph: Guarded) -> None:
    decided = graph.decide('{ posts(order: NEWEST, by: "x") { title } }', who_granted(""))
    assert [denial.argument for denial in decided.denied] == ["by"]


def who_granted(scopes: str) -> frozenset[str]:
    return Policy().access(who(scopes)).granted


def test_what_nothing_is_denied_of_is_the_document_that_was_asked(graph: Guarded) -> None:
    query = "{ me { name ...F } } fragment F on User { name }"
    decided = graph.decide(query, who_granted(""))
    assert decided.document is not None
    assert len(decided.document.definitions) == 2


def test_a_field_is_not_seen_because_nobody_decided(graph: Guarded) -> None:
    """The executor asks each field's rule again: a document that was not reduced shows no more."""
    access = Policy().access(who(""))
    whole = graph.decide("{ me { name email } secret { a } }", graph.requirements.atoms)
    assert graph.executed(whole, access) == {"me": {"name": "n", "email": None}, "secret": None}
    assert graph.asked == ["me"]


def test_a_dry_run_changes_nothing(graph: Guarded) -> None:
    access = DRY.access(who(""))
    whole = graph.decide("{ me { email } secret { a } }", graph.requirements.atoms)
    shown = graph.executed(whole, access)
    assert shown == {"me": {"email": "john@example.com"}, "secret": {"a": "a"}}


def test_who_is_not_identified_sees_what_is_public(graph: Guarded) -> None:
    decided = graph.decide("{ __typename open me { name } }", frozenset())
    assert [denial.path for denial in decided.denied] == [("me",)]
    assert graph.executed(decided, Policy().access(None)) == {
        "__typename": "Query",
        "open": "o",
        "me": None,
    }


@pytest.mark.parametrize(("answer", "seen"), [(True, "v"), (None, None), (False, None)])
def test_a_named_policy_decides(graph: Guarded, answer: bool | None, seen: str | None) -> None:
    policy = Policy(checks={"vip": lambda principal: answer})
    assert graph.answer("{ open vip }", policy=policy)[0] == {"open": "o", "vip": seen}


def test_what_is_read_is_told_by_type_and_without_what_is_denied(graph: Guarded) -> None:
    query = """query Q($in: Boolean = false) { me { name email } secret { a b }
      posts { ... on Blog { title likes @include(if: $in) } ... on PrivateBlog { body } } }"""
    assert graph.decide(query, frozenset({"authenticated", "scope:user"})).reads == {
        "Query.me",
        "User.name",
        "User.email",
        "Query.posts",
        "Blog.title",
    }
