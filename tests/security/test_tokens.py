"""Tokens: made once, kept as a hash, found by it."""

import pytest

from caxton.domain.errors import InvalidState, NotFound, ResourceLimitExceeded, Unauthorized
from caxton.security.roles import Role
from caxton.security.tokens import TOKENS_MAX, TokenStore, new_token, parse_authorization

ROOT = "a-root-token-for-tests"


class Clock:
    def __init__(self) -> None:
        self.now_ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> TokenStore:
    return TokenStore(ROOT, clock)


def test_a_token_holds_256_random_bits_and_its_id() -> None:
    tokens = {new_token("abc") for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        prefix, name, secret = token.split("_", 2)
        assert (prefix, name) == ("cxt", "abc")
        assert len(secret) == 43, "32 bytes in base64url"


def test_the_root_token_is_an_admin(store: TokenStore) -> None:
    assert store.authenticate(ROOT).role is Role.ADMIN


def test_a_made_token_is_known_and_the_store_does_not_hold_it(store: TokenStore) -> None:
    token, view = store.create("robot", Role.AGENT, None)
    principal = store.authenticate(token)
    assert (principal.identity, principal.name, principal.role) == (view.token_id, "robot", Role.AGENT)
    assert token not in repr(vars(store))
    assert token not in repr(store.list())


@pytest.mark.parametrize("wrong", ["", "x", ROOT[:-1], ROOT + "x", ROOT.upper(), "\ud800"])
def test_anything_else_is_unknown(store: TokenStore, wrong: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        store.authenticate(wrong)
    assert refused.value.reason == "unknown"


def test_a_token_ends_at_its_time(store: TokenStore, clock: Clock) -> None:
    token, view = store.create("short", Role.VIEWER, 1.5)
    clock.now_ns += 1_499_999_999
    store.authenticate(token)
    assert store.is_live(view.token_id)
    clock.now_ns += 1
    assert not store.is_live(view.token_id)
    with pytest.raises(Unauthorized) as refused:
        store.authenticate(token)
    assert refused.value.reason == "expired"


def test_a_revoked_token_is_refused_as_such(store: TokenStore) -> None:
    token, view = store.create("gone", Role.VIEWER, None)
    store.revoke(view.token_id)
    assert not store.is_live(view.token_id)
    with pytest.raises(Unauthorized) as refused:
        store.authenticate(token)
    assert refused.value.reason == "revoked"
    assert [row.token_id for row in store.list()] == ["root"]
    with pytest.raises(NotFound):
        store.revoke(view.token_id)


def test_the_root_token_cannot_be_revoked(store: TokenStore) -> None:
    with pytest.raises(InvalidState):
        store.revoke("root")
    store.authenticate(ROOT)


def test_the_store_is_bounded_and_expired_tokens_make_room(store: TokenStore, clock: Clock) -> None:
    for number in range(TOKENS_MAX - 1):
        store.create(str(number), Role.VIEWER, 10 if number == 0 else None)
    with pytest.raises(ResourceLimitExceeded):
        store.create("one more", Role.VIEWER, None)
    clock.now_ns += 10_000_000_000
    store.create("one more", Role.VIEWER, None)


def test_the_last_use_is_noted(store: TokenStore, clock: Clock) -> None:
    token, view = store.create("used", Role.VIEWER, None)
    assert view.last_used_at is None
    clock.now_ns += 5_000_000_000
    store.authenticate(token)
    (row,) = [row for row in store.list() if row.token_id == view.token_id]
    assert row.last_used_at == "2023-11-14T22:13:25.000Z"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer " + "x" * 600])
def test_a_header_of_another_form_is_malformed(value: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        parse_authorization(value)
    assert refused.value.reason == "malformed"


def test_a_header_gives_its_token() -> None:
    assert parse_authorization("Bearer abc") == parse_authorization("bearer   abc ") == "abc"
