"""Where a server is."""

import click
import pytest

from caxton.cli.address import parse_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("localhost:9000", "http://localhost:9000"),
        ("https://agents.example.org", "https://agents.example.org:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://example.org/caxton/", "https://example.org:443/caxton"),
    ],
)
def test_a_url_is_read_and_written_back_in_full(text: str, url: str) -> None:
    assert parse_address(text).url == url


@pytest.mark.parametrize(
    "text", ["ftp://a", "http://", "http://a:port", "http://a?b=c", "http://user@a", "http://[::1"]
)
def test_what_is_no_servers_url_is_a_usage_error(text: str) -> None:
    with pytest.raises(click.UsageError, match="is not the URL of a server"):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("localhost", True), ("[::1]", True), ("10.0.0.1", False)],
)
def test_only_this_machines_own_addresses_are_loopback(host: str, local: bool) -> None:
    assert parse_address(f"http://{host}:1").is_loopback is local


def test_a_name_that_begins_like_a_loopback_address_is_not_one() -> None:
    assert not parse_address("http://127.0.0.1.example.org").is_loopback
