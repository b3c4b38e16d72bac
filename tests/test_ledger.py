"""The ledger: exact, crash-safe, and hashed whatever the batches."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slashpoint.sim.ledger import ON_CHAIN, TABLES, Ledger, LedgerError, read, row
from slashpoint.sim.ledger.table import OUR_NAMES
from slashpoint.sim.ledger.text import text, texts

LARGE = 10**24 + 1
CAUSES = ("funding", "reward", "compute", "gas")


def fill(ledger: Ledger, blocks: int = 30, ticks: int = 1) -> Ledger:
    """Some of everything, with amounts on both sides of 63 bits and of 38 digits."""
    for block in range(blocks):
        ledger.blocks.append(row("blocks", block=block, time_ns=block * 12 * 10**9, base_fee=10**9 + block))
        for index in range(3):
            job = f"{block % 4:04x}" if index else None
            ledger.transactions.append(
                row("transactions", block=block, index=index, account=f"trainer/{index}", value=block * 10**19, job=job)
            )
            amount = LARGE if block % 2 else 10 ** (13 * (index + 1)) + block
            cause = CAUSES[(block + index) % 4]
            ledger.transfers.append(row("transfers", block=block, amount=amount, cause=cause, asset="ETH", job=job))
        if block % 5 == 0:
            ledger.models.append(row("models", job="00", effort=block / 7, correct=block if block % 2 else None))
            ledger.accounts.append(row("accounts", account=f"é/{block}", attacker=block % 2 == 0))
        if block % ticks == 0:
            ledger.tick()
    return ledger


def child(code: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, from the root of the project."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=Path(__file__).parent.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished ledger."""
    folder = tmp_path_factory.mktemp("run")
    fill(Ledger(folder, meta={"seed": "3"}, buffered=20)).close()
    return folder


EDGES = [edge + step for edge in (0, 2**53, 2**62, 2**63, 2**64, 2**127, 10**38) for step in (-1, 0, 1)]


@given(st.lists(st.one_of(st.sampled_from(EDGES), st.integers(0, 2**256 - 1), st.integers(-(10**30), 0))))
@settings(max_examples=60, deadline=None)
def test_money_of_any_size_reads_back_exactly(amounts: list[int]) -> None:
    ledger = Ledger(buffered=3)
    for amount in amounts:
        ledger.transfers.append(row("transfers", amount=amount))
        ledger.tick()
    back = read(ledger)["transfers"]["amount"]
    assert back.tolist() == amounts
    assert all(type(amount) is int for amount in back)


def test_only_a_column_with_an_amount_of_more_than_38_digits_is_text(tmp_path: Path) -> None:
    for folder, amounts in (("plain", (7, 10**38 - 1)), ("wide", (7, 10**38 - 1, 10**38, 2**256 - 1))):
        ledger = Ledger(tmp_path / folder)
        for amount in amounts:
            ledger.transfers.append(row("transfers", amount=amount))
        ledger.transactions.append(row("transactions", value=7))
        for source in (ledger, tmp_path / folder):
            stored = read(source).arrow("transfers")
            texts = [f"{amount:078d}" for amount in amounts]
            assert stored["amount"].to_pylist() == (texts if folder == "wide" else list(map(Decimal, amounts)))
            assert stored.schema.names == list(TABLES["transfers"])
            assert read(source).arrow("transactions")["value"].to_pylist() == [Decimal(7)]
            assert read(source)["transfers"]["amount"].tolist() == list(amounts)
            ledger.close()


def test_no_reader_leaves_a_large_amount_out_of_a_sum_in_silence(tmp_path: Path) -> None:
    import duckdb

    amounts = [5, 10**38, 2**256 - 1, 10**20]
    for folder, some in (("wide", amounts), ("plain", [5, 10**20])):
        ledger = Ledger(tmp_path / folder)
        for amount in some:
            ledger.transfers.append(row("transfers", amount=amount))
        ledger.close()
    path, both = tmp_path / "wide/ledger/transfers.parquet", tmp_path / "*/ledger/transfers.parquet"
    assert pq.read_schema(path).metadata[b"wide"] == b"amount"
    with pytest.raises(duckdb.BinderException, match="sum"):
        duckdb.sql(f"SELECT sum(amount) FROM '{path}'").fetchall()
    for union in ("true", "false"):
        with pytest.raises(duckdb.Error):
            duckdb.sql(f"SELECT sum(amount) FROM read_parquet('{both}', union_by_name={union})").fetchall()
    texts = [text for (text,) in duckdb.sql(f"SELECT amount FROM '{path}' ORDER BY amount").fetchall()]
    assert list(map(int, texts)) == sorted(amounts)
    assert duckdb.sql(f"SELECT min(amount)::BIGINT FROM '{path}'").fetchall() == [(5,)]
    exact = duckdb.sql(f"SELECT sum(amount::VARCHAR::BIGNUM)::VARCHAR FROM '{path}'").fetchall()
    assert exact == [(str(sum(amounts)),)]
    assert pd.read_parquet(path)["amount"].map(int).sum() == sum(amounts)


def test_every_state_of_a_ledger_reads_the_same(tmp_path: Path, written: Path) -> None:
    partial = fill(Ledger(tmp_path, buffered=20))
    partial.close(complete=False, why="Ctrl-C")
    memory, finished, cut = read(fill(Ledger(buffered=20))), read(written), read(tmp_path)
    assert list(memory) == list(finished) == list(cut) == list(TABLES)
    for name in TABLES:
        pd.testing.assert_frame_equal(memory[name], finished[name])
        pd.testing.assert_frame_equal(memory[name], cut[name])
        assert list(memory[name].columns) == list(TABLES[name])
    assert finished.complete
    assert not cut.complete
    assert cut.why == "Ctrl-C"
    assert finished.meta == {"schema_version": "2", "seed": "3"}


def test_a_finished_ledger_is_one_parquet_file_a_table(written: Path) -> None:
    assert sorted(path.name for path in (written / "ledger").iterdir()) == sorted(f"{name}.parquet" for name in TABLES)
    form = pq.read_schema(written / "ledger" / "transfers.parquet")
    assert form.metadata[b"complete"] == b"true"
    assert form.metadata[b"schema_version"] == b"2"
    assert form.names == list(TABLES["transfers"])
    assert (form.field("amount").type, form.field("amount").nullable) == (pa.string(), False)  # some are large
    assert form.metadata[b"wide"] == b"amount"
    form = pq.read_schema(written / "ledger" / "transactions.parquet")
    assert (form.field("value").type, form.field("value").nullable) == (pa.decimal128(38, 0), False)
    assert form.metadata[b"wide"] == b""


def test_many_row_groups_make_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slashpoint.sim.ledger.table.ROW_GROUP", 25)
    fill(Ledger(tmp_path, buffered=10)).close()
    assert pq.ParquetFile(tmp_path / "ledger" / "transfers.parquet").num_row_groups > 2
    assert read(tmp_path)["transfers"]["block"].tolist() == [block for block in range(30) for _ in range(3)]


def test_sums_beyond_floats(tmp_path: Path) -> None:
    """10**24 + 1 cannot be a float; the traps are those of DuckDB 1 and 2, pandas 2 and 3 and NumPy 2."""
    import duckdb

    ledger = Ledger(tmp_path)
    for amount in (LARGE, 5, LARGE, LARGE):
        ledger.transfers.append(row("transfers", amount=amount, asset="ETH"))
    ledger.close()
    transfers = read(tmp_path)["transfers"]
    large = transfers[transfers["amount"] == LARGE]
    truth = len(large) * LARGE
    assert large["amount"].sum() == sum(large["amount"]) == truth
    assert large.groupby("asset")["amount"].sum()["ETH"] == truth

    query = f"select sum(amount) as total from '{tmp_path}/ledger/transfers.parquet' where amount = {LARGE}"
    assert duckdb.sql(query).fetchall() == [(Decimal(truth),)]  # exact
    assert int(duckdb.sql(query).to_arrow_table()["total"][0].as_py()) == truth  # exact
    trap = duckdb.sql(query).df()["total"]
    assert trap.dtype == float  # not exact: .df() makes floats of decimals …
    assert int(trap[0]) != truth

    digits = pd.Series([Decimal(10**30 + 1)] * 3).sum()
    assert digits != 3 * (10**30 + 1)  # … and decimals sum with 28 digits, silently
    assert sum([10**30 + 1] * 3) == 3 * (10**30 + 1)


def test_nullable_integers_stay_integers(written: Path) -> None:
    correct = read(written)["models"]["correct"]
    assert str(correct.dtype) == "Int32"
    assert correct.isna().sum() == 3
    assert correct.dropna().tolist() == [5, 15, 25]


@given(st.integers(1, 200), st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_batches_leave_no_mark_on_the_hashes(buffered: int, ticks: int) -> None:
    assert fill(Ledger(buffered=buffered), ticks=ticks).hashes() == fill(Ledger()).hashes()


def test_the_hashes_are_the_same_everywhere(tmp_path: Path) -> None:
    """Recorded once: another machine, another version or another folder must not change them."""
    chain = "5d070c3648335e0f2105816c8cd7c67184d11ee33ea11d911640d186b56c0253"
    full = "1ec36567be1d2e72874f681538e74dc5b453f580c997e182f907691ba27b37a2"
    ledger = fill(Ledger(tmp_path, buffered=7))
    ledger.close()
    assert ledger.hashes() == (chain, full)
    code = """
        from slashpoint.sim.ledger import Ledger, row
        ledger = Ledger()
        for name in "abc":
            ledger.events.append(row("events", event=name))
        print(*ledger.hashes())
    """
    outputs = {child(code, PYTHONHASHSEED=str(seed)).stdout for seed in (1, 2)}
    assert len(outputs) == 1
    assert "" not in outputs


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_counts(name: str) -> None:
    """Changing any value changes the full hash, and the chain's exactly where it should."""
    other = {"str": "other", "bool": True, "f64": 1.5}

    def hashes(**values: Any) -> tuple[str, str]:
        ledger = Ledger()
        getattr(ledger, name).append(row(name))
        getattr(ledger, name).append(row(name, **values))
        return ledger.hashes()

    chain, full = hashes()
    for column, about in TABLES[name].items():
        changed = hashes(**{column: other.get(about.type, 7)})
        assert changed[1] != full, column
        assert (changed[0] != chain) == (name in ON_CHAIN and column not in OUR_NAMES), column
        if about.nullable:
            empty = hashes(**{column: "" if about.type == "str" else 0})
            assert empty[1] != full, f"{column}: None is not the same as nothing"


def test_text_does_not_run_into_its_neighbour() -> None:
    def full(*verbs: str) -> str:
        ledger = Ledger()
        for verb in verbs:
            ledger.transactions.append(row("transactions", verb=verb))
        return ledger.hashes()[1]

    assert len({full("ab", "c"), full("a", "bc"), full("", "abc"), full("abc", ""), full("abc")}) == 5


def test_compute_is_off_chain() -> None:
    def hashes(watts: int) -> tuple[str, str]:
        ledger = Ledger(buffered=1)
        for amount, cause in ((1, "gas"), (watts, "compute"), (2, "gas")):
            ledger.transfers.append(row("transfers", amount=amount, cause=cause))
            ledger.tick()
        return ledger.hashes()

    assert hashes(3)[0] == hashes(4)[0]
    assert hashes(3)[1] != hashes(4)[1]
    ledger = Ledger()
    ledger.transfers.append(row("transfers", cause="compute"))
    assert ledger.hashes()[0] == Ledger().hashes()[0]


def test_a_killed_run_leaves_what_it_flushed(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        from pathlib import Path
        from slashpoint.sim.ledger import Ledger, row
        ledger = Ledger(Path(sys.argv[1]), buffered=50)
        for block in range(130):
            ledger.blocks.append(row("blocks", block=block, base_fee=10**24 + block))
            ledger.tick()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert child(code, tmp_path).returncode == -signal.SIGKILL
    tables = read(tmp_path)
    assert not tables.complete
    assert "killed" in tables.why
    assert tables["blocks"]["base_fee"].tolist() == [10**24 + block for block in range(100)]
    assert tables["transfers"].empty


def test_a_stream_torn_anywhere_gives_its_whole_batches(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, buffered=4)
    for block in range(8):
        ledger.blocks.append(row("blocks", block=block))
        ledger.tick()
    ledger.close(complete=False)
    path = tmp_path / "ledger" / "blocks.arrow"
    whole = path.read_bytes()
    seen = set()
    for end in range(0, len(whole) + 1, 8):
        path.write_bytes(whole[:end])
        found = read(tmp_path)["blocks"]["block"].tolist()
        assert found == list(range(len(found)))
        seen.add(len(found))
    assert seen == {0, 4, 8}


def test_a_full_disk_says_so_and_loses_nothing_that_was_written(tmp_path: Path) -> None:
    """The limit on the size of a file stands for the disk: the write that crosses it is cut short by the kernel."""
    code = """
        import resource, signal, sys
        from pathlib import Path
        from slashpoint.sim.ledger import Ledger, LedgerError, read, row
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        folder = Path(sys.argv[1])
        ledger = Ledger(folder, buffered=100)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
        try:
            for block in range(10_000):
                ledger.blocks.append(row("blocks", block=block))
                ledger.tick()
        except LedgerError as error:
            print(error)
        else:
            sys.exit("the disk was not full")
        readable = read(folder / "ledger")  # what another process would find now
        print(len(readable["blocks"]), readable.complete)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        ledger.close()  # once there is room again, nothing is missing
        print(len(ledger.blocks), read(folder)["blocks"]["block"].tolist() == list(range(block + 1)))
    """
    done = child(code, tmp_path)
    assert done.returncode == 0, done.stderr
    complaint, during, after = done.stdout.splitlines()
    assert complaint == f"{tmp_path}/ledger: 100 rows not written: File too large"
    rows, complete = during.split()
    assert int(rows) >= 100
    assert int(rows) % 100 == 0
    assert complete == "False"
    assert after == f"{int(rows) + 100} True"


def test_a_partial_ledger_can_be_gone_on_with(tmp_path: Path) -> None:
    ledger = fill(Ledger(tmp_path), 2)
    ledger.close(complete=False)
    fill(ledger, 3).close()
    assert read(tmp_path).complete
    assert read(tmp_path)["blocks"]["block"].tolist() == [0, 1, 0, 1, 2]


def test_an_interrupted_flush_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path)
    fill(ledger, 2)
    ledger.flush()
    fill(ledger, 3)
    write = type(ledger.blocks)._write

    def interrupted(*arguments: Any) -> int:
        write(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(ledger.blocks), "_write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ledger.flush()
    ledger.close(complete=False)
    assert read(tmp_path)["blocks"]["block"].tolist() == [0, 1, 0, 1, 2]
    again = fill(fill(Ledger(), 2), 3)
    assert ledger.hashes() == again.hashes()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ((1, 2, 3), r"blocks wants rows of 7 \(block, .*\), got \(1, 2, 3\)"),
        (row("blocks", gas_used="lots"), "blocks.gas_used is i64: row 1 holds 'lots'"),
        (row("blocks", gas_used=1.5), "blocks.gas_used is i64: row 1 holds 1.5"),
        (row("blocks", txs=2**40), f"blocks.txs is i32: row 1 holds {2**40}"),
        (row("blocks", time_ns=None), "blocks.time_ns is i64: row 1 holds None"),
        (row("blocks", base_fee=None), "blocks.base_fee is money: row 1 holds None"),
        (row("blocks", base_fee=1.5), "blocks.base_fee is money: row 1 holds 1.5"),
        (row("blocks", base_fee=2**256), f"blocks.base_fee is money: row 1 holds {2**256}"),
        (row("blocks", base_fee=-(10**38)), f"blocks.base_fee is money: row 1 holds {-(10**38)}"),
    ],
)
def test_a_wrong_value_is_named(wrong: tuple[Any, ...], complaint: str) -> None:
    ledger = Ledger()
    ledger.blocks.append(row("blocks"))
    ledger.blocks.append(wrong)
    with pytest.raises(LedgerError, match=complaint):
        ledger.flush()


def test_misuse_is_named(tmp_path: Path, written: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger in"):
        read(tmp_path)
    with pytest.raises(LedgerError, match="holds a ledger already"):
        Ledger(written)
    with pytest.raises(KeyError, match="no table 'block'; it has blocks"):
        read(written)["block"]
    with pytest.raises(TypeError, match="blocks has no number; it has block, time_ns"):
        row("blocks", number=1)


def test_another_schema_is_refused(tmp_path: Path, written: Path) -> None:
    (tmp_path / "ledger").mkdir()
    table = pq.read_table(written / "ledger" / "blocks.parquet")
    pq.write_table(table.replace_schema_metadata({"schema_version": "99"}), tmp_path / "ledger" / "blocks.parquet")
    with pytest.raises(LedgerError, match="blocks has schema version 99, this program reads 2"):
        read(tmp_path)


COLUMNS = dict.fromkeys(TABLES["blocks"], 1)


@pytest.mark.parametrize("rows", [3, 500])
def test_columns_are_rows(rows):
    """What goes in by columns, few or many, is what goes in row by row; so are the hashes."""
    apart, together = Ledger(), Ledger()
    amounts = [10**19 * i for i in range(rows)]
    for i in range(rows):
        apart.transfers.append((7, i, 5, "ETH", "ann", f"bob/{i}", amounts[i], "gas", None if i % 2 else "key"))
    receivers, jobs = [f"bob/{i}" for i in range(rows)], [None if i % 2 else "key" for i in range(rows)]
    together.transfers.append((7, 0, 5, "ETH", "ann", "bob/0", 0, "gas", "key"))
    columns = {
        "sender": "ann", "receiver": receivers[1:], "amount": amounts[1:], "asset": "ETH", "cause": "gas",
        "block": 7, "tx": list(range(1, rows)), "time_ns": 5, "job": jobs[1:],
    }  # fmt: skip
    together.transfers.extend(rows - 1, columns)
    assert together.transfers.waiting == rows
    assert apart.hashes() == together.hashes()
    assert read(apart)["transfers"].equals(read(together)["transfers"])


def test_a_column_that_does_not_fit_is_named():
    ledger = Ledger()
    with pytest.raises(LedgerError, match=r"blocks\.gas_used is i64: row 1 holds 1\.5"):
        ledger.blocks.extend(100, COLUMNS | {"gas_used": [0, 1.5, *range(98)]})
    assert ledger.blocks.waiting == 0


@pytest.mark.parametrize("rows", [3, 100])
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({name: 1 for name in COLUMNS if name != "gas_used"}, "columns of blocks: gas_used: missing, or unknown"),
        (COLUMNS | {"gas": 1}, "columns of blocks: gas: missing, or unknown; it has block, time_ns"),
    ],
)
def test_columns_that_are_missing_or_unknown_are_named(rows, wrong, named):
    ledger = Ledger()
    with pytest.raises(TypeError, match=named):
        ledger.blocks.extend(rows, wrong)
    with pytest.raises(TypeError, match=named):
        ledger.blocks.weave([wrong | {"block": list(range(rows))}], "block")
    assert ledger.blocks.waiting == 0


def test_text_that_is_no_unicode_is_written_escaped_and_beside_it_everything_is_as_it_was(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.transactions.append(row("transactions", account="é", job="caf\udce9"))
    ledger.transactions.append(row("transactions", account="🙂", job=None))
    ledger.violations.append(row("violations", complaint="\udcff was closed again"))
    ledger.close()
    table = read(tmp_path)["transactions"]
    assert table["account"].tolist() == ["é", "🙂"]
    assert table["job"].tolist()[0] == "caf\\udce9"
    assert read(tmp_path)["violations"]["complaint"].tolist() == ["\\udcff was closed again"]


def test_arguments_with_bytes_that_are_no_text_are_json_that_keeps_them(tmp_path):
    """As hex: a lone surrogate in JSON is refused by DuckDB, for the whole table."""
    import duckdb

    strange = b"caf\xe9 \xff"
    said = text(("who", "note"), ("naïve 🙂", strange.decode(errors="surrogateescape")))
    assert json.loads(said) == {"who": "naïve 🙂", "note": "0x" + strange.hex()}
    assert texts({"note": [strange.decode(errors="surrogateescape")]}).to_pylist() == [
        f'{{"note": "0x{strange.hex()}"}}'
    ]
    ledger = Ledger(tmp_path)
    ledger.events.append(row("events", args=said))
    ledger.close()
    found = duckdb.sql(f"SELECT args->>'note' FROM '{tmp_path / 'ledger/events.parquet'}'").fetchall()
    assert found == [("0x" + strange.hex(),)]
