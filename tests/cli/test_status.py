"""What a server says of itself, shown."""

from caxton.cli.status import flat


def test_groups_stand_before_the_names_of_their_members() -> None:
    document: dict[str, object] = {
        "version": "1",
        "agents": {"running": 2, "by_kind": {"guest": 1}},
        "list": [1, 2],
    }
    assert list(flat(document)) == [
        ("version", "1"),
        ("agents running", 2),
        ("agents by kind guest", 1),
        ("list", [1, 2]),
    ]
