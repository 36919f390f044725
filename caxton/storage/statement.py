"""Statements that write any number of rows in one step, and the packing of their rows.

Python's binding of SQLite gives the interpreter's lock back and takes it again for every row of an
`executemany`; beside a busy interpreter each of these waits for its turn, and some hundred thousand rows a
second become a thousand. So the rows of a statement travel in two parameters, whatever their number: `?1` is
a JSON array of rows, `?2` the bytes of all blobs end to end, and a blob stands in its row as place and
length.

Rows take effect in their order, as if each had a statement of its own. An `UPDATE ... FROM` over the array
would not (of two rows for one key either may win), hence there is none.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple, cast, final

import msgspec

Value = str | int | bytes | None
"""What a column holds. Points in time are integers of nanoseconds; nothing is a float."""

Row = tuple[Value, ...]
"""Plain values first, then the blobs, none of which is missing."""

_ROWS: Final = "FROM json_each(?1) AS one"
# A row without its blobs; texts are names and ids.
_ROW_BYTES: Final = 256
_encoder: Final = msgspec.json.Encoder()


@final
class Statement:
    """One SQL statement over an array of rows whose last `blobs_count` columns are blobs.

    Compared by identity: each is made once, as a constant of its table's module.
    """

    __slots__ = ("blobs_count", "sql")

    def __init__(self, sql: str, *, blobs_count: int = 0) -> None:
        self.sql: Final = sql
        self.blobs_count: Final = blobs_count

    def pack(self, rows: Sequence[Row]) -> tuple[str] | tuple[str, bytes]:
        """Return the parameters for these rows: the second only where the statement has blobs."""
        if self.blobs_count == 0:
            return (_encoder.encode(rows).decode(),)
        # By columns: a call of its own for each value would cost more than all the rest.
        columns = tuple(zip(*rows, strict=True))
        plain: list[Sequence[Value]] = list(columns[: -self.blobs_count])
        # One byte before all others: of nothing at all SQLite's substr makes NULL.
        blobs: list[bytes] = [b"\0"]
        place = 2
        for column in cast("tuple[tuple[bytes, ...], ...]", columns[-self.blobs_count :]):
            lengths = [len(blob) for blob in column]
            places = list(accumulate(lengths, initial=place))
            place = places.pop()
            plain += (places, lengths)
            blobs += column
        return _encoder.encode(list(zip(*plain, strict=True))).decode(), b"".join(blobs)

    def size_bytes(self, rows: Sequence[Row]) -> int:
        """Return about how much memory these rows take while they wait."""
        size = len(rows) * _ROW_BYTES
        for column in range(-self.blobs_count, 0):
            size += sum([len(cast("bytes", row[column])) for row in rows])
        return size


class Change(NamedTuple):
    """Rows for one statement. A batch of changes is done whole or not at all."""

    statement: Statement
    rows: Sequence[Row]


def put(table: str, key: str, *columns: str, blobs: Sequence[str] = ()) -> Statement:
    """Return the statement that inserts rows, or replaces what other columns say under the same key.

    A row is the key's value, those of the columns, then the blobs.
    """
    names = (key, *columns, *blobs)
    values = [_value(place) for place in range(1 + len(columns))]
    values += [_blob(1 + len(columns) + 2 * place) for place in range(len(blobs))]
    renewed = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    return Statement(
        # Without the WHERE, SQLite takes ON for the beginning of a join.
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} {_ROWS} WHERE true "
        f"ON CONFLICT ({key}) DO UPDATE SET {renewed}",
        blobs_count=len(blobs),
    )


def add(table: str, *columns: str, blobs: Sequence[str] = ()) -> Statement:
    """Return the statement that appends rows; a row is the values of the columns, then the blobs."""
    values = [_value(place) for place in range(len(columns))]
    values += [_blob(len(columns) + 2 * place) for place in range(len(blobs))]
    names = ", ".join((*columns, *blobs))
    return Statement(
        f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} {_ROWS}",
        blobs_count=len(blobs),
    )


def remove(table: str, key: str) -> Statement:
    """Return the statement that deletes the rows with the keys that are given, one to a row."""
    return Statement(f"DELETE FROM {table} WHERE {key} IN (SELECT {_value(0)} {_ROWS})")  # noqa: S608 - names of ours


def remove_before(table: str, column: str) -> Statement:
    """Return the statement that deletes what lies before a value, given as the one column of a row."""
    return Statement(f"DELETE FROM {table} WHERE {column} < (SELECT max({_value(0)}) {_ROWS})")  # noqa: S608 - names of ours


def _value(place: int) -> str:
    return f"json_extract(one.value, '$[{place}]')"


def _blob(place: int) -> str:
    return f"substr(?2, {_value(place)}, {_value(place + 1)})"
