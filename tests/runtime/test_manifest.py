"""The manifest inside a module is read within bounds and never trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.runtime.directory import CAPABILITIES_MAX
from caxton.runtime.manifest import MANIFEST_BYTES_MAX, Manifest, ManifestFault, read_manifest


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert read_manifest(b'{"name": "a", "colour": [1, {"x": null}]}') == Manifest(name="a")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{",
        b'{"name": 7}',
        b'{"name": ""}',
        b'{"version": "%s"}' % (b"v" * 256),
        b'{"profile": "lax"}',
        b'{"memory": 0}',
        b'{"memory": -1}',
        b'{"capabilities": ["a", ""]}',
        b'{"tools": [%s"t"]}' % (b'"t",' * 256),
        b'{"capabilities": [%s"t"]}' % (b'"t",' * CAPABILITIES_MAX),
        b'{"capabilities": ["tab\\tin it"]}',
        b'{"capabilities": ["%s"]}' % ("ü".encode() * 128),
        b'{"name": "\xff"}',
        b'{"deep": %s}' % (b"[" * 30_000),
        b'{"name": "%s"}' % (b"n" * MANIFEST_BYTES_MAX),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(payload: bytes) -> None:
    outcome = read_manifest(payload)
    assert isinstance(outcome, ManifestFault)
    assert outcome.message


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer(payload: bytes) -> None:
    assert isinstance(read_manifest(payload), Manifest | ManifestFault)
