"""The rows of a file: ragged ones, broken ones, odd values, and telling how far the reading is."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pytest

from router_core.evaluation.files.csv_rows import Ragged
from router_core.evaluation.files.limits import DataFileError
from router_core.evaluation.files.tables import open_table
from router_core.evaluation.progress import CancelledError
from tests.labelled_files import ROWS, a_table, as_csv, as_lines, as_list, as_parquet, parquet_of

LARGE = [{**ROWS[0], "prompt_id": str(number)} for number in range(30_000)]


def test_ragged_rows_are_left_out_and_told() -> None:
    """With their number, the first below the header being 1; the numbers of the others allow for them."""
    table = a_table('a,b\n1,"x\ny"\n2\n3,z\n4,5,6\n7,8\n')
    assert table.data.to_pylist() == [{"a": "1", "b": "x\ny"}, {"a": "3", "b": "z"}, {"a": "7", "b": "8"}]
    assert table.ragged == (Ragged(2, 1, 2, "2"), Ragged(4, 3, 2, "4,5,6"))
    assert [table.number(row) for row in range(3)] == [1, 3, 5]


def test_a_file_of_ragged_rows_only() -> None:
    """It opens, so that they can be shown."""
    table = a_table("a,b\n1\n2\n")
    assert (table.rows, len(table.ragged), table.head) == (0, 2, ())


def test_hundreds_of_ragged_rows_are_a_wrong_separator() -> None:
    """Then the reading stops."""
    with pytest.raises(
        DataFileError, match=r"more than 1,000 rows do not have the 2 cells .* row 1 has 1: '1\|2'"
    ):
        a_table("a,b\n" + "1|2\n" * 1_500)


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("row", ['1,"2', '1,"2 ""3""'])
def test_a_quotation_mark_that_is_never_closed(row: str, end: str) -> None:
    """It would swallow the rest of the file; what follows it is shown."""
    rest = f"{end or chr(10)}3,4{end or chr(10)}5,6{end}"
    with pytest.raises(DataFileError, match=r"the quotation mark before '2.* is never closed and makes one cell"):
        a_table("a,b\n" + row + rest)


@pytest.mark.parametrize("text", ['a,b\n1,"x\ny"\n', 'a,b\n1,"x\ny"', 'a,b\n1,"x\ny"\r\n\r\n', 'a,b\n1,x"y\n'])
def test_quotation_marks_that_are_fine(text: str) -> None:
    """A last cell with a line break, closed; a mark in the middle of a cell."""
    assert a_table(text).data.to_pylist() == [{"a": "1", "b": 'x"y' if 'x"' in text else "x\ny"}]


def test_a_row_without_end() -> None:
    """Beyond what one row can have it is refused, with the likeliest reason."""
    with pytest.raises(
        DataFileError, match="a row of more than 16 MB; most likely a quotation mark is never closed"
    ):
        a_table('a,b\n1,"2\n' + "3,4\n" * 10_000_000)


def test_names_of_columns_are_made_unique() -> None:
    """None is empty, none stands twice, space around them is nothing."""
    assert a_table("a, a ,,\n1,2,3,4\n").columns == ("a", "a (2)", "column 3", "column 4")


def test_a_blank_line_before_the_header() -> None:
    """The separator is found all the same."""
    assert a_table("\n\na;b\n1,5;2\n").data.to_pylist() == [{"a": "1,5", "b": "2"}]


def test_too_many_columns() -> None:
    """A thousand are enough for anybody's models."""
    with pytest.raises(DataFileError, match=r"f\.csv has 1,500 columns; at most 1,000 are read"):
        a_table(",".join(f"c{n}" for n in range(1_500)) + "\n" + "1," * 1_499 + "1\n")
    many = "\n".join(json.dumps({f"c{n}": 1}) for n in range(1_500))
    with pytest.raises(DataFileError, match="has more than 1,000 different names; give each row the same"):
        open_table(many.encode(), name="f.jsonl")


def test_values_of_json_become_text() -> None:
    """Numbers as written, true and false as words, nested ones as JSON; empty and null are both unknown."""
    rows = [
        {"id": 7, "score": True, "cost": 1e-07, "text": "", "nested": {"a": [1, "é"]}},
        {"id": 12345678901234567890, "score": 0.30000000000000004, "text": None, "late": "new"},
    ]
    expected = [
        {"id": "7", "score": "true", "cost": "1e-07", "text": None, "nested": '{"a": [1, "é"]}', "late": None},
        {"id": "12345678901234567890", "score": "0.30000000000000004", "cost": None, "text": None, "nested": None,
         "late": "new"},
    ]  # fmt: skip
    for made, name in ((as_lines(rows), "f.jsonl"), (as_list(rows), "f.json")):
        assert open_table(made, name=name).data.to_pylist() == expected


def test_values_of_parquet_become_text() -> None:
    """As those of JSON do, a number as the shortest text that gives it back; categories and bytes too."""
    columns = {
        "id": pa.array([7, None], pa.int64()),
        "score": [True, False],
        "cost": [0.1, 1e-07],
        "model": pa.array(["a", "b"]).dictionary_encode(),
        "day": [date(2026, 3, 1), None],
        "nested": [[1, 2], None],
        "bytes": [b"caf\xc3\xa9", b"\xff"],
        "empty": ["", "x"],
    }
    assert open_table(parquet_of(pa.table(columns)), name="f.parquet").data.to_pylist() == [
        {"id": "7", "score": "true", "cost": "0.1", "model": "a", "day": "2026-03-01", "nested": "[1, 2]",
         "bytes": "café", "empty": None},
        {"id": None, "score": "false", "cost": "1e-7", "model": "b", "day": None, "nested": None, "bytes": "�",
         "empty": "x"},
    ]  # fmt: skip


def test_parquet_without_rows() -> None:
    """Columns alone are refused."""
    with pytest.raises(DataFileError, match=r"f\.parquet has columns and no rows"):
        open_table(parquet_of(pa.table({"prompt": pa.array([], pa.string())})), name="f.parquet")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1}\n\n{"a": \n', "line 3 is not JSON (Expecting value, column 6): '{\"a\":'"),
        ('\n\n{"a" 1}', "line 3 is not JSON (Expecting ':' delimiter, column 6)"),
        ('{\n "a": 1\n}', "is one object with no list of objects (in it: 'a')"),
        ('{"a": 1}{"a": 2}', "line 1 is not JSON (Extra data, column 9)"),
        ("5\n", "line 1 is '5', not an object with names"),
        ('{"a": 1}\n[1, 2]\n', "line 2 is '[1, 2]', not an object with names"),
        ('[{"a": 1}, {"a": ', "entry 2 is not JSON"),
        ('[{"a": 1}', "entry 2 is not JSON (the list does not end)"),
        ('[{"a": 1}, 7]', "entry 2 is '7', not an object with names"),
        ('[{"a": 1} oops]', "entry 2 is not JSON (Expecting value)"),
        ('{"a": "\\ud800"}', "row 1 holds half a character"),
        ('{"a": 1}\n{"\\udfff": "b"}', "row 2 holds half a character"),
        ('{"a": ' + "9" * 5_000 + "}", "line 1 is not JSON (Exceeds the limit"),
        ('{"a": ' + "[" * 100_000, "is nested too deeply to be a table"),
    ],
)
def test_json_that_is_broken(text: str, sentence: str) -> None:
    """Which line or entry, and what stands there."""
    with pytest.raises(DataFileError) as caught:
        open_table(text.encode(), name="f.json")
    assert sentence in str(caught.value)
    assert "set_int_max_str_digits" not in str(caught.value)


def test_json_without_end() -> None:
    """Neither a line nor an entry may be longer than a row can be."""
    for text, place in (('{"a": "' + "x" * 20_000_000, "line 1"), ('[{"a": "' + "x" * 40_000_000, "entry 1")):
        with pytest.raises(DataFileError, match=f"{place} is longer than 16 million characters or does not end"):
            open_table(text.encode(), name="f.json")


@pytest.mark.parametrize("comma", [",", ",\n", " , "])
def test_lists_longer_than_a_piece(comma: str) -> None:
    """Entries that end where a piece that is read ends, and long ones."""
    entries = [
        json.dumps({"number": number, "text": "x" * (number % 700_000)}) for number in range(0, 3_000_000, 99_991)
    ]
    table = open_table(f"[{comma.join(entries)}]".encode(), name="f.json")
    assert [int(row["number"] or 0) for row in table.data.to_pylist()] == list(range(0, 3_000_000, 99_991))


@pytest.mark.parametrize(
    ("name", "make"), [("f.csv", as_csv), ("f.jsonl", as_lines), ("f.json", as_list), ("f.parquet", as_parquet)]
)
def test_telling_how_far_and_stopping(name: str, make: object) -> None:
    """The part only grows, ends at 1 with the number of rows, and somebody who no longer wants it is heard."""
    data = make(LARGE)  # type: ignore[operator]
    told: list[tuple[float, str]] = []
    table = open_table(data, name=name, progress=lambda done, words: told.append((done, words)))
    parts = [done for done, _ in told]
    assert parts == sorted(parts)
    assert len(told) >= 3
    assert told[0] == (0.0, "looking at the file")
    assert told[1][1] == f"reading {name}"
    assert told[-1] == (1.0, "read 30,000 rows")
    assert table.rows == 30_000
    with pytest.raises(CancelledError):
        open_table(data, name=name, cancelled=lambda: len(told) < 10**6)


def test_stopping_by_raising() -> None:
    """What is told may raise; that is what comes out."""

    def tell(done: float, words: str) -> None:
        if words.startswith("reading"):
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        open_table(as_csv(ROWS), name="f.csv", progress=tell)


def test_the_first_rows_are_cut() -> None:
    """They are for looking at, and for guessing."""
    table = a_table([{"prompt": "x" * 5_000, "score": "1"}] * 200)
    assert len(table.head) == 100
    assert table.head[0] == {"prompt": "x" * 300, "score": "1"}
    assert table.data.column("prompt")[0].as_py() == "x" * 5_000
