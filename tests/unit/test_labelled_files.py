"""Files of labelled answers: told by their bytes, refused with a sentence, read in any encoding asked for."""

from __future__ import annotations

import codecs
import gzip
import hashlib
from pathlib import Path

import pytest

from router_core.evaluation.files.encodings import ENCODINGS, WrongEncodingError
from router_core.evaluation.files.files import data_file, located
from router_core.evaluation.files.limits import DataFileError
from router_core.evaluation.files.tables import open_table
from tests.labelled_files import FILES, ROWS, as_csv, as_lines

TEXT = as_csv(ROWS)


@pytest.mark.parametrize("name", FILES)
def test_every_sort_of_file_says_the_same(name: str, tmp_path: Path) -> None:
    """As a path and as the bytes of an upload; ids stay text, empty is null, line breaks and quotes survive."""
    data = FILES[name](ROWS)
    path = tmp_path / name
    path.write_bytes(data)
    expected = [{column: text or None for column, text in row.items()} for row in ROWS]
    for table in (open_table(path), open_table(str(path)), open_table(data, name=name)):
        assert table.data.to_pylist() == list(table.head) == expected
        assert (table.rows, table.columns) == (len(ROWS), tuple(ROWS[0]))
        assert (table.name, table.sha256) == (name, hashlib.sha256(data).hexdigest())
        assert table.encoding == (None if "parquet" in name.lower() else "utf-8")


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "f.csv", "f.csv is empty; give one with a row per prompt and model"),
        (b" \n\r\n", "f.csv", "f.csv holds nothing but empty lines; give a header and rows"),
        (gzip.compress(b"", mtime=0), "f.csv.gz", "f.csv.gz holds nothing but empty lines"),
        (b"prompt,model,score\n", "f.csv", "f.csv has a header and no rows; give a row per prompt and model"),
        (b"prompt,model,score", "f.csv", "f.csv has a header and no rows"),
        (b"[]", "f.json", "f.json holds no objects; give one per prompt and model"),
        (b"\n\n", "f.jsonl", "f.jsonl holds no objects"),
        (TEXT, "f.dat", "'f.dat' has no ending that says what it is; rename it to end in .csv, .tsv, .jsonl,"),
        (TEXT, "f", "'f' has no ending that says what it is"),
        (TEXT, "f.parquet", "f.parquet ends as a Parquet file does but is none; export it again"),
        (b"PK\x03\x04...", "f.xlsx", "f.xlsx is an Excel workbook or a zip archive; save the sheet as CSV"),
        (b"PK\x03\x04...", "f.csv", "f.csv is an Excel workbook or a zip archive"),
        (b"BZh91AY", "f.csv.bz2", "packed with bzip2; unpack it, or pack it with gzip"),
        (gzip.compress(TEXT, mtime=0)[:-30], "f.csv.gz", "f.csv.gz cannot be unpacked or read to its end"),
        (b"\x1f\x8b\x08\x00garbage" * 9, "f.csv", "the file is cut short or damaged: copy it again"),
        (b"\x1f\x8b", "f.csv.gz", "the file is cut short or damaged"),
        (b"PAR1 and then nothing", "f.parquet", "f.parquet is a damaged Parquet file"),
    ],
)  # fmt: skip
def test_what_is_refused(data: bytes, name: str, sentence: str) -> None:
    """Which file, what it is, and what to do."""
    with pytest.raises(DataFileError) as caught:
        open_table(data, name=name)
    assert sentence in str(caught.value)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    """No such file; a folder; what never ends."""
    with pytest.raises(
        DataFileError, match=r"^none\.csv cannot be opened \(No such file or directory\); correct the"
    ):
        open_table(tmp_path / "none.csv")
    for place in (str(tmp_path), "/dev/zero"):
        with pytest.raises(DataFileError, match=f"^{place} is not a file; give the path of one$"):
            open_table(place, name="f.csv")


def test_what_is_no_path() -> None:
    """A NUL character, a name that is too long, a user whom nobody knows."""
    for place in ("scored\0.csv", "x" * 5_000, "~nobody-of-that-name/scored.csv"):
        with pytest.raises(DataFileError, match=r"is not a path|cannot be opened"):
            open_table(place)


def test_the_first_bytes_of_a_packed_file() -> None:
    """They are those within."""
    file = data_file(located(gzip.compress(TEXT, mtime=0), "f.csv"))
    assert file.head(6) == TEXT[:6]
    assert file.head(1_000_000) == TEXT


def test_the_part_read_is_that_of_the_file_given() -> None:
    """Packed or not, it ends at 1."""
    for data in (TEXT, gzip.compress(TEXT, mtime=0)):
        with data_file(located(data, "f.csv")).open() as stream:
            assert stream.fraction < 1
            while stream.read(10):
                pass
            assert stream.fraction == 1


def test_a_descriptor_is_read_from_its_beginning(tmp_path: Path) -> None:
    """As often as one likes, whatever was read of it before; the descriptor stays open."""
    path = tmp_path / "f.csv"
    path.write_bytes(TEXT)
    with path.open("rb") as opened:
        place = located(opened.fileno(), "f.csv")
        with place.raw() as one, place.raw() as other:
            assert one.read(9) == other.read(9) == TEXT[:9]
            assert one.seek(-3, 2) == len(TEXT) - 3
            assert one.read() == TEXT[-3:]
            assert other.tell() == 9
        assert place.size == len(TEXT)
        assert opened.read() == TEXT


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl", "f.csv.gz"])
def test_another_encoding_says_where(name: str) -> None:
    """The byte from 0 and the line from 1, in a long file too; both others read it."""
    rows = [{"prompt": "x" * 999, "model": "a", "score": "1"}] * 3_000 + [
        {"prompt": "café", "model": "a", "score": "1"}
    ]
    plain = (as_lines(rows) if "json" in name else as_csv(rows)).decode().encode("latin-1")
    data = gzip.compress(plain, mtime=0) if name.endswith("gz") else plain
    with pytest.raises(
        WrongEncodingError, match=r"is not UTF-8: byte .* save it as UTF-8, or read it as cp1252"
    ) as at:
        open_table(data, name=name)
    assert at.value.byte == plain.index(b"\xe9")
    assert at.value.line == plain[: at.value.byte].count(b"\n") + 1
    assert "café" in str(at.value)
    for encoding in ENCODINGS[1:]:
        table = open_table(data, name=name, encoding=encoding)
        assert table.data.column("prompt")[-1].as_py() == "café"
        assert table.encoding == encoding


@pytest.mark.parametrize("text", ["é,x\n1,2\n", "a,b\n1,2\né", "a,b\n1,2\n1,é\n"])
def test_an_encoding_is_wrong_wherever(text: str) -> None:
    """In the header, in a row with too few cells, in the last cell."""
    with pytest.raises(WrongEncodingError) as caught:
        open_table(text.encode("latin-1"), name="f.csv")
    assert caught.value.byte == text.index("é")


def test_a_character_cut_in_half_at_the_end() -> None:
    """As a file that was not copied to its end."""
    with pytest.raises(WrongEncodingError) as caught:
        open_table("a,b\n1,é".encode()[:-1], name="f.csv")
    assert (caught.value.byte, caught.value.line) == (6, 2)


def test_a_byte_that_windows_does_not_know() -> None:
    """The remedy names what is left."""
    with pytest.raises(
        WrongEncodingError, match=r"is not CP1252: byte 6 in line 2 .* read it as utf-8 or latin-1"
    ):
        open_table(b"a,b\n1,\x81\n", name="f.csv", encoding="cp1252")


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
@pytest.mark.parametrize("name", ["f.csv", "f.jsonl"])
def test_a_mark_at_the_beginning_is_understood(name: str, mark: bytes) -> None:
    """It is not part of the first name, and it tells UTF-16."""
    encoding = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}[mark]
    plain = as_lines(ROWS) if name == "f.jsonl" else TEXT
    table = open_table(mark + plain.decode().encode(encoding), name=name)
    assert table.columns == tuple(ROWS[0])
    assert [row["prompt"] for row in table.head] == [row["prompt"] for row in ROWS]
