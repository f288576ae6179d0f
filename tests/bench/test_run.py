"""The order of the measurements, and that none is made twice."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import run as benchmark
from bench.loads import LONG_S, QUICK, ROWS, SCALE, SHORT_S
from bench.page import Run, cpu_chart, missed, page_text, points
from bench.results import Figures, Results
from bench.run import Step, added_memory, collected, doubted, steps, take_all


def test_windows_hold_whole_periods_of_the_models_speech() -> None:
    from bench.live_endpoint import PERIOD_S, SPEECH_S

    assert PERIOD_S == 3 * SPEECH_S
    assert all(seconds % PERIOD_S == 0 for seconds in (LONG_S, SHORT_S))
    assert {load.window_s for load in (*ROWS, *SCALE)} <= {LONG_S, SHORT_S}


def test_easel_and_stock_alternate_within_each_run() -> None:
    todo = [step for step in steps(quick=False, runs=3) if step.load == "vga"]
    assert [(step.run, step.kind) for step in todo] == [
        (run, kind) for run in range(3) for kind in ("easel", "stock")
    ]


def test_no_two_measurements_share_a_key() -> None:
    keys = [step.key for quick in (False, True) for step in steps(quick=quick, runs=3)]
    assert len(keys) == len(set(keys))


def test_quick_measures_the_main_rows_only() -> None:
    assert {step.load for step in steps(quick=True, runs=3)} == {f"{name}-quick" for name in QUICK}


class Interrupted(Exception):
    pass


def counted(taken: list[str], fails_at: int) -> Iterator[Step]:
    async def take(key: str, number: int) -> Figures:
        if number == fails_at:
            raise Interrupted
        taken.append(key)
        return {"cpu %": float(number)}

    for number in range(4):
        yield Step("vga", "easel", number, lambda n=number: take(f"{n}", n))  # type: ignore[misc]  # mypy cannot infer a lambda's default


def test_an_interrupted_benchmark_goes_on_where_it_stopped(tmp_path: Path) -> None:
    taken: list[str] = []
    path = tmp_path / "results.jsonl"
    with pytest.raises(Interrupted):
        take_all(list(counted(taken, fails_at=2)), Results(path, "code"))
    todo = list(counted(taken, fails_at=-1))
    take_all(todo, Results(path, "code"))
    assert taken == ["0", "1", "2", "3"]
    assert collected(todo, Results(path, "code")) == {("vga", "easel"): {"cpu %": 1.5}}


def test_each_run_is_doubted_by_itself(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.jsonl", "code")
    todo = list(counted([], fails_at=-1))
    for step, percent in zip(todo, (50.0, 97.0, 50.0, 50.0), strict=True):
        results.put(step.key, {"load core %": percent})
    (line,) = doubted(todo, results)
    assert line == "run 2 of vga, easel: the peers' core was 97 % full"


def run_of(measured: dict[tuple[str, str], Figures]) -> Run:
    return Run(
        measured=measured,
        peers={load.name: load.peers for load in (*ROWS, *SCALE)},
        runs=3,
        quick=False,
        costs="",
        chromium="",
        facts=[("date", "today")],
    )


def scaled(kind: str, percent: float, mb: float) -> dict[tuple[str, str], Figures]:
    """So much for each peer, over a service of 100 MB; a core is full at 100 %."""
    peers = {load.name: load.peers for load in SCALE if kind in load.kinds} | {"vga": 4}
    return {
        (name, kind): {"server %": min(99.0, percent * n), "resident MB": 100 + mb * n}
        for name, n in peers.items()
    }


def test_the_chart_has_a_point_for_each_number_of_peers() -> None:
    run = run_of(scaled("easel", 2.0, 1.0) | scaled("stock", 14.0, 30.0) | {("audio", "easel"): {}})
    assert points(run, "easel") == [(1, 2.0), (4, 8.0), (8, 16.0), (16, 32.0), (24, 48.0)]
    assert points(run, "stock") == [(1, 14.0), (2, 28.0), (4, 56.0), (6, 84.0)]
    assert cpu_chart(run) is not None


def test_there_is_no_chart_of_one_stack_alone() -> None:
    assert cpu_chart(run_of(scaled("easel", 2.0, 1.0))) is None


def test_memory_is_that_of_one_more_peer_and_not_of_the_service() -> None:
    run = run_of(scaled("easel", 2.0, 1.5))
    assert added_memory(run, "easel") == {"MB per peer": pytest.approx(1.5)}
    assert added_memory(run, "stock") == {}


def test_a_core_that_is_full_says_nothing_of_memory() -> None:
    measured = scaled("stock", 16.0, 30.0)
    measured["scale-6", "stock"]["resident MB"] = 5000.0
    assert added_memory(run_of(measured), "stock") == {"MB per peer": pytest.approx(30)}


def test_the_page_names_what_was_missed_and_what_is_doubtful() -> None:
    measured: dict[tuple[str, str], Figures] = {
        ("vga", "easel"): {"cpu %": 4.0, "load core %": 97.0},
        ("vga", "stock"): {"cpu %": 10.0},
    }
    text = page_text(replace(run_of(measured), doubted=["run 2 of vga, easel: too full"]))
    assert [row.name for row in missed(run_of(measured))] == [
        "CPU for each peer: 640×480, 30 fps, 1 Mbit/s, and speech"
    ]
    assert "**no**" in text and "- run 2 of vga, easel: too full" in text
    assert "| date | today |" in text and "images/" not in text


def test_the_command_line_says_that_it_needs_two_cores(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "CORES", [0])
    monkeypatch.setattr("sys.argv", ["bench"])
    assert benchmark.main() == 2
    assert "two cores" in capsys.readouterr().err
