"""Tokens: made once, kept as a hash, found by it."""

from collections.abc import Sequence
from typing import final

import pytest

from caxton.domain.errors import InvalidState, NotFound, ResourceLimitExceeded, StorageFull, Unauthorized
from caxton.security.roles import Role
from caxton.security.tokens import TOKENS_MAX, StoredToken, TokenStore, new_token, parse_authorization

ROOT = "a-root-token-for-tests"


class Clock:
    def __init__(self) -> None:
        self.now_ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@final
class Log:
    """Keeps tokens as the disk would; `full` stands for a disk without room."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredToken] = {}
        self.full = False

    async def keep(self, token: StoredToken, forget: Sequence[str] = ()) -> None:
        if self.full:
            raise StorageFull("/data")
        for token_id in forget:
            self.kept.pop(token_id, None)
        self.kept[token.token_id] = token


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def store(clock: Clock, log: Log) -> TokenStore:
    return TokenStore(ROOT, clock, log)


def test_a_token_holds_256_random_bits_and_its_id() -> None:
    tokens = {new_token("abc") for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        prefix, name, secret = token.split("_", 2)
        assert (prefix, name) == ("cxt", "abc")
        assert len(secret) == 43, "32 bytes in base64url"


def test_the_root_token_is_an_admin(store: TokenStore) -> None:
    assert store.authenticate(ROOT).role is Role.ADMIN


@pytest.mark.anyio
async def test_a_made_token_is_known_and_the_store_does_not_hold_it(store: TokenStore) -> None:
    token, view = await store.create("robot", Role.AGENT, None)
    principal = store.authenticate(token)
    assert (principal.identity, principal.name, principal.role) == (view.token_id, "robot", Role.AGENT)
    assert token not in repr(vars(store))
    assert token not in repr(store.list())


@pytest.mark.parametrize("wrong", ["", "x", ROOT[:-1], ROOT + "x", ROOT.upper(), "\ud800"])
def test_anything_else_is_unknown(store: TokenStore, wrong: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        store.authenticate(wrong)
    assert refused.value.reason == "unknown"


@pytest.mark.anyio
async def test_a_token_ends_at_its_time(store: TokenStore, clock: Clock) -> None:
    token, view = await store.create("short", Role.VIEWER, 1.5)
    clock.now_ns += 1_499_999_999
    store.authenticate(token)
    assert store.is_live(view.token_id)
    clock.now_ns += 1
    assert not store.is_live(view.token_id)
    with pytest.raises(Unauthorized) as refused:
        store.authenticate(token)
    assert refused.value.reason == "expired"


@pytest.mark.anyio
async def test_a_revoked_token_is_refused_as_such(store: TokenStore) -> None:
    token, view = await store.create("gone", Role.VIEWER, None)
    await store.revoke(view.token_id)
    assert not store.is_live(view.token_id)
    with pytest.raises(Unauthorized) as refused:
        store.authenticate(token)
    assert refused.value.reason == "revoked"
    assert [row.token_id for row in store.list()] == ["root"]
    with pytest.raises(NotFound):
        await store.revoke(view.token_id)


@pytest.mark.anyio
async def test_the_root_token_cannot_be_revoked(store: TokenStore) -> None:
    with pytest.raises(InvalidState):
        await store.revoke("root")
    store.authenticate(ROOT)


@pytest.mark.anyio
async def test_the_store_is_bounded_and_expired_tokens_make_room(store: TokenStore, clock: Clock) -> None:
    for number in range(TOKENS_MAX - 1):
        await store.create(str(number), Role.VIEWER, 10 if number == 0 else None)
    with pytest.raises(ResourceLimitExceeded):
        await store.create("one more", Role.VIEWER, None)
    clock.now_ns += 10_000_000_000
    await store.create("one more", Role.VIEWER, None)


@pytest.mark.anyio
async def test_the_last_use_is_noted(store: TokenStore, clock: Clock) -> None:
    token, view = await store.create("used", Role.VIEWER, None)
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


@pytest.mark.anyio
async def test_what_was_kept_holds_for_the_next_process(store: TokenStore, clock: Clock, log: Log) -> None:
    token, view = await store.create("robot", Role.AGENT, 10)
    gone, other = await store.create("gone", Role.VIEWER, None)
    await store.revoke(other.token_id)
    again = TokenStore(ROOT, clock, log, log.kept.values())
    principal = again.authenticate(token)
    assert (principal.identity, principal.name, principal.role) == (view.token_id, "robot", Role.AGENT)
    with pytest.raises(Unauthorized) as refused:
        again.authenticate(gone)
    assert refused.value.reason == "revoked"
    clock.now_ns += 10_000_000_000
    with pytest.raises(Unauthorized) as refused:
        again.authenticate(token)
    assert refused.value.reason == "expired"
    assert token not in repr(log.kept)


@pytest.mark.anyio
async def test_a_token_that_cannot_be_kept_is_none(store: TokenStore, log: Log) -> None:
    log.full = True
    with pytest.raises(StorageFull):
        await store.create("robot", Role.AGENT, None)
    assert [row.token_id for row in store.list()] == ["root"]


@pytest.mark.anyio
async def test_a_token_is_refused_even_when_that_cannot_be_kept_and_may_be_revoked_again(
    store: TokenStore, log: Log
) -> None:
    token, view = await store.create("gone", Role.VIEWER, None)
    log.full = True
    with pytest.raises(StorageFull):
        await store.revoke(view.token_id)
    with pytest.raises(Unauthorized) as refused:
        store.authenticate(token)
    assert refused.value.reason == "revoked"
    assert log.kept[view.token_id].revoked_ns is None
    log.full = False
    await store.revoke(view.token_id)
    assert log.kept[view.token_id].revoked_ns is not None
    with pytest.raises(NotFound):
        await store.revoke(view.token_id)


@pytest.mark.anyio
async def test_expired_tokens_are_forgotten_with_the_next_one(
    store: TokenStore, clock: Clock, log: Log
) -> None:
    await store.create("short", Role.VIEWER, 1)
    clock.now_ns += 1_000_000_000
    _, view = await store.create("next", Role.VIEWER, None)
    assert list(log.kept) == [view.token_id]
