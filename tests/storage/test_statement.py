"""Any number of rows in one step, and every value as it was."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton.storage.statement import Row, add, put, remove, remove_before

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
ROWS = st.lists(
    st.tuples(
        TEXTS,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.binary(max_size=300),
        st.binary(max_size=3),
    ),
    min_size=1,
    max_size=20,
)


def connection() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute(
        "CREATE TABLE t (place INTEGER PRIMARY KEY, k TEXT UNIQUE, n INTEGER, a BLOB NOT NULL, "
        "b BLOB NOT NULL) STRICT"
    )
    return made


@given(ROWS)
def test_every_value_comes_back_bit_for_bit_and_the_last_row_of_a_key_wins(rows: list[Row]) -> None:
    made = connection()
    statement = put("t", "k", "n", blobs=("a", "b"))
    made.execute(statement.sql, statement.pack(rows))
    found = {key: tuple(rest) for key, *rest in made.execute("SELECT k, n, a, b FROM t ORDER BY place")}
    assert found == {row[0]: row[1:] for row in rows}
    # A key keeps the place of its first row.
    assert list(found) == list(dict.fromkeys(row[0] for row in rows))


def test_rows_are_added_and_removed() -> None:
    made = connection()
    adding, leaving, aging = add("t", "k", "n", blobs=("a", "b")), remove("t", "k"), remove_before("t", "n")
    made.execute(adding.sql, adding.pack([(str(n), n, b"\x00", b"") for n in range(10)]))
    made.execute(leaving.sql, leaving.pack([("1",), ("3",), ("none",)]))
    made.execute(aging.sql, aging.pack([(5,)]))
    assert [k for (k,) in made.execute("SELECT k FROM t ORDER BY n")] == ["5", "6", "7", "8", "9"]
    made.execute(leaving.sql, leaving.pack([]))
    assert made.execute("SELECT count(*) FROM t").fetchone() == (5,)


def test_a_megabyte_and_nothing_fit_into_one_batch(tmp_path: Path) -> None:
    made = connection()
    statement = put("t", "k", "n", blobs=("a", "b"))
    large = bytes(range(256)) * 4096
    made.execute(statement.sql, statement.pack([("large", 1, large, b""), ("empty", None, b"", large)]))
    assert made.execute("SELECT a, b FROM t WHERE k = 'large'").fetchone() == (large, b"")
    assert made.execute("SELECT a, b FROM t WHERE k = 'empty'").fetchone() == (b"", large)


def test_a_blob_that_is_missing_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        put("t", "k", blobs=("a",)).pack([("key", None)])
