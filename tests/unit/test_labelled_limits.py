"""Small files that fill memory or time, and the process that reads them: refused, stopped, cleaned up.

Memory is measured, time is not: how fast a file is refused depends on the machine.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest

from router_core.evaluation.files import apart, csv_rows, json_rows, limits, parquet_rows, rows
from router_core.evaluation.files.encodings import WrongEncodingError
from router_core.evaluation.files.files import located
from router_core.evaluation.files.limits import DataFileError, enough_memory
from router_core.evaluation.files.reading import read_labelled
from router_core.evaluation.files.rows import Read, joined, read_rows
from router_core.evaluation.files.tables import open_table
from router_core.evaluation.progress import Watch
from router_core.evaluation.running import Job
from tests.labelled_files import FILES, ROWS, as_csv, parquet_of

HEADER = b"prompt,model,score\n"
QUIET = Watch()


def packed(*pieces: tuple[bytes, int]) -> bytes:
    """Gzip of pieces, each so many times, without compressing one of them twice."""
    return b"".join(gzip.compress(piece, mtime=0) * times for piece, times in pieces)


def utf16(text: bytes) -> bytes:
    """The text in UTF-16, without a mark."""
    return text.decode().encode("utf-16-le")


def repeated(columns: dict[str, str], count: int) -> bytes:
    """A Parquet file whose every row holds these texts, each written once."""
    zeros = pa.array([0] * 1_000, pa.int32())
    table = pa.table({name: pa.DictionaryArray.from_arrays(zeros, [text]) for name, text in columns.items()})
    out = io.BytesIO()
    with arrow_parquet.ParquetWriter(out, table.schema) as writer:
        for _ in range(count // 100_000):
            writer.write_table(pa.concat_tables([table] * 100), row_group_size=100_000)
    return out.getvalue()


def one_text(size: int) -> bytes:
    """A Parquet file of one row with one long text."""
    out = io.BytesIO()
    table = pa.table({"prompt": ["x" * size], "model": ["a"], "score": [1.0]})
    arrow_parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


MB = 1 << 20
BOMBS: dict[str, tuple[str, Any, str]] = {
    "utf-16 of one row": (
        "f.csv.gz",
        lambda: packed((b"\xff\xfe" + utf16(HEADER), 1), (utf16(b"a" * MB), 800)),
        "has a row of more than 16 MB",
    ),
    "utf-16 of many rows": (
        "f.csv.gz",
        lambda: packed((b"\xff\xfe" + utf16(HEADER), 1), (utf16(b"a,b,1\n" * (MB // 6)), 800)),
        "has more than 2,000,000 rows|was not read within",
    ),
    "long rows with too few cells": (
        "f.csv.gz",
        lambda: packed((HEADER, 1), (b"a" * 8 * MB + b"\n", 150)),
        "150 rows with another number of cells|was not read within",
    ),
    "line breaks": (
        "f.csv.gz",
        lambda: packed((HEADER, 1), (b"\n" * MB, 1_500)),
        "has a header and no rows|was not read within",
    ),
    "line breaks of JSON": ("f.jsonl", lambda: b"\n" * 60 * MB, "more than 16 million blank characters in a row"),
    "line breaks between objects": (
        "f.jsonl",
        lambda: b'{"a": 1}\n' + b"\n" * 20 * MB,
        "has more than 2,000,000 lines",
    ),
    "spaces in a list": (
        "f.json.gz",
        lambda: packed((b"[", 1), (b" " * MB, 1_900)),
        "more than 16 million blank characters in a row",
    ),
    "a list in a list": ("f.json", lambda: b"[" * 5 * MB, "is nested too deeply"),
    "an object of very many names": (
        "f.jsonl",
        lambda: b"{" + b",".join(b'"n%d":1' % n for n in range(1_000_000)) + b"}",
        "more than 1,000 different names",
    ),
    "zeros as Parquet": (
        "f.parquet",
        lambda: packed((b"PAR1", 1), (bytes(MB), 1_900)),
        "holds more than 268 MB",
    ),
    "a header of commas": ("f.csv", lambda: b"a," * 5 * MB + b"b\n1,2\n", "32,769 columns; at most 1,000"),
    "one word in 200 million rows": (
        "f.parquet",
        lambda: repeated({"prompt": "x"}, 3_000_000),
        "has more than 2,000,000 rows",
    ),
    "one long text in very many rows": (
        "f.parquet",
        lambda: repeated({name: name * 50_000 for name in ("prompt", "response", "score", "model")}, 2_000_000),
        "only 'modelmodel|was not read within",
    ),
    "one text of 200 MB in a small file": (
        "f.parquet",
        lambda: one_text(200 * MB),
        "takes more memory than|was not read within",
    ),
    "a name without end in the packing": (
        "f.csv.gz",
        lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 100 * MB,
        "cannot be unpacked or read to its end|was not read within",
    ),
}  # fmt: skip

PROBE = """
import json, resource, sys
from router_core.errors import EvaluationError
from router_core.evaluation.files.reading import read_labelled
try:
    read_labelled(sys.argv[1], duplicates="first")
    said = ""
except EvaluationError as error:
    said = str(error)
# Not getrusage for this process: on Linux its peak begins with that of the process which started it.
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([said, (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024]))
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_fills_neither_memory_nor_time(name: str, tmp_path: Path) -> None:
    """It is refused with a sentence, and takes less than 1 GB more than its own size, both processes together."""
    called, make, sentence = BOMBS[name]
    path = tmp_path / called
    path.write_bytes(make())
    run = subprocess.run(
        [sys.executable, "-c", PROBE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    said, memory = json.loads(run.stdout)
    assert any(part in said for part in sentence.split("|")), said
    assert len(said) < 2_000
    assert memory < path.stat().st_size + 10**9


def test_a_thousand_columns_of_one_name() -> None:
    """Each gets a name of its own."""
    data = (",".join(["score"] * 1_000) + "\n" + ",".join(["1"] * 1_000)).encode()
    table = open_table(data, name="f.csv")
    assert table.columns[:3] == ("score", "score (2)", "score (3)")
    assert len(set(table.columns)) == 1_000


@pytest.mark.parametrize("name", FILES)
def test_a_process_of_its_own_reads_the_same(name: str) -> None:
    """Every row, the encoding, and the rows that are ragged."""
    place = located(FILES[name](ROWS), name)
    found = {}
    for read in (read_rows, apart.read_apart):
        batches: list[Any] = []
        found[read] = (read(place, "utf-8", QUIET, batches.append), joined(batches).to_pylist())
    here, there = found.values()
    assert there == here
    assert here[1] == [{column: text or None for column, text in row.items()} for row in ROWS]


def test_ragged_rows_come_back() -> None:
    """As long ones, cut."""
    data = b"a,b\n1,2\n" + b"x" * 5_000 + b"\n"
    read = apart.read_apart(located(data, "f.csv"), "utf-8", QUIET, lambda batch: None)
    assert read == Read("utf-8", (csv_rows.Ragged(2, 1, 2, "x" * 200),))


def test_errors_come_back_as_they_are() -> None:
    """Where a text is not in its encoding, too."""
    with pytest.raises(WrongEncodingError, match="f\\.csv is not UTF-8") as caught:
        apart.read_apart(located("a,b\n1,é\n".encode("latin-1"), "f.csv"), "utf-8", QUIET, lambda batch: None)
    assert (caught.value.byte, caught.value.line) == (6, 2)


def test_cancel_is_heard(tmp_path: Path) -> None:
    """While nothing comes back, too; the other process is gone then."""
    path = tmp_path / "f.csv.gz"
    path.write_bytes(packed((HEADER, 1), (b"\n" * MB, 1_500)))
    job = Job(lambda watch: open_table(path, progress=watch, cancelled=watch.cancelled))
    while job.status.words != "looking at the file":
        assert not job.status.ended
    job.cancel()
    assert job.wait(60)
    assert job.status.state == "cancelled"


def test_what_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest time is a matter of the file's size."""
    monkeypatch.setattr(apart, "most_seconds", lambda size: -1.0)
    with pytest.raises(
        DataFileError, match=r"f\.csv was not read within -1 s, which is far more than a file of its"
    ):
        apart.read_apart(located(as_csv(ROWS), "f.csv"), "utf-8", QUIET, lambda batch: None)
    assert limits.most_seconds(10**9) > 100 > limits.most_seconds(10**6)


def test_what_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends without a word."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DataFileError, match=r"f\.csv cannot be read: what reads it broke off; export it again"):
        apart.read_apart(located(as_csv(ROWS), "f.csv"), "utf-8", QUIET, lambda batch: None)


def test_more_than_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes back is counted before it is read."""
    monkeypatch.setattr(apart, "most_held", lambda size: 100)
    with pytest.raises(DataFileError, match=r"f\.csv holds more than .* MB; that is the most that is read"):
        apart.read_apart(located(as_csv(ROWS), "f.csv"), "utf-8", QUIET, lambda batch: None)


def test_the_other_process_gets_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the variables are called; it finds the same packages."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("SOME_SECRET", "canary")
    assert "canary" not in str(apart._environment())
    assert str(Path(__file__).parents[2]) in apart._environment()["PYTHONPATH"]


def test_every_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bytes given and unpacked, rows, cells."""
    many = as_csv(list(ROWS) * 100)

    def refused(data: bytes, name: str, sentence: str) -> None:
        with pytest.raises(DataFileError, match=sentence):
            read_rows(located(data, name), "utf-8", QUIET, lambda batch: None)

    with monkeypatch.context() as patch:
        patch.setattr("router_core.evaluation.files.files.MAX_BYTES", 2_000)
        refused(
            many, "f.csv", r"^f\.csv holds more than .*; that is the most that is read: take a sample of prompts"
        )
        refused(gzip.compress(many, mtime=0), "f.csv", "holds more than")
    for module in (rows, parquet_rows):
        monkeypatch.setattr(module, "MOST_CELLS", 300)
    for make in (FILES["f.csv"], FILES["f.jsonl"], FILES["f.parquet"]):
        refused(make(list(ROWS) * 100), "f.json" if make is FILES["f.jsonl"] else "f.csv", "more than 300 cells")
    for module in (rows, parquet_rows, json_rows):
        monkeypatch.setattr(module, "MOST_ROWS", 9)
    for make in (FILES["f.csv"], FILES["f.jsonl"], FILES["f.parquet"]):
        refused(
            make(list(ROWS) * 100), "f.json" if make is FILES["f.jsonl"] else "f.csv", "more than 9 (rows|lines)"
        )


def test_memory_that_runs_out_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """In reading, in putting in order, in any other work."""

    def full(*_: object) -> None:
        raise MemoryError

    with pytest.raises(DataFileError, match=r"^f is too large to compare in memory \(out of memory\); take a"):
        enough_memory("f")(full)()
    job = Job(full)
    assert job.wait(60)
    assert job.status.error == "the work needs more memory than there is; take a sample of the prompts"
    monkeypatch.setattr(rows, "read_csv", full)
    with pytest.raises(
        DataFileError, match=r"^f\.csv takes more memory than a file of its size should \(734 MB\)"
    ):
        open_table(as_csv(ROWS), name="f.csv")


def test_an_object_that_takes_more_memory_than_it_may() -> None:
    """The other process runs out of it alone."""
    entry = b'[{"a": "\xf0\x9f\x98\x80", "b": [' + b"{}," * 8_000_000 + b"{}]}]"
    with pytest.raises(DataFileError, match=r"f\.json takes more memory than a file of its size should"):
        open_table(entry, name="f.json")


def test_parquet_texts_that_are_not_utf8() -> None:
    """The column is named."""
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"], pa.binary()).buffers())
    with pytest.raises(DataFileError, match=r"f\.parquet holds bytes in the column 'prompt' that are not UTF-8"):
        open_table(parquet_of(pa.table({"prompt": broken})), name="f.parquet")


def test_a_text_that_many_rows_share_stands_in_memory_once() -> None:
    """Prompts and answers alike, in the columns of a wide file too."""
    long = "z" * 1_000
    given = [
        {"prompt_id": str(n), "prompt": long, "a_score": 1, "b_score": 0, "a_response": long} for n in range(50)
    ]
    data = read_labelled(parquet_of(pa.Table.from_pylist(given)), name="f.parquet")
    assert {id(text) for text in data.prompts} == {id(data.prompts[0])}
    assert data.responses is not None
    column = data.models.index("a")
    assert {id(row[column]) for row in data.responses} == {id(data.responses[0][column])}
    assert data.prompts[0] == data.responses[7][column] == long


def test_a_file_named_like_a_module_of_python_does_not_stand_in_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the folder of somebody's script, or of Streamlit's pages, which come first among the paths."""
    for name in ("queue", "random", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(str(tmp_path))
    taken: list[Any] = []
    apart.read_apart(located(as_csv(ROWS), "f.csv"), "utf-8", QUIET, taken.append)
    assert sum(batch.num_rows for batch in taken) == len(ROWS)
