"""Sessions and peers are matched, and only what fell into the window counts."""

from typing import Any

import pytest

from bench.loads import VGA
from bench.measurement import (
    Usage,
    Window,
    of_amounts,
    of_pictures,
    of_speech,
    paired,
    spoken_to_percent,
)


def usage(at: float, server: float = 0.0) -> Usage:
    return Usage(at, server, load=0.0, server_core=0.0, load_core=0.0)


def peer(phase: float, audible: tuple[float, ...] = ()) -> dict[str, Any]:
    """Speaks a burst each second, named from 0 to 9, from `phase` on."""
    bursts = [(phase + second, second % 10) for second in range(40)]
    return {"bursts": bursts, "audible": list(audible)}


def session(phase: float, delay: float, **more: Any) -> dict[str, Any]:
    """What it heard of `peer(phase)`."""
    bursts = [
        {"at": at + delay, "burst": burst, "chunks": []} for at, burst in peer(phase)["bursts"]
    ]
    empty = {"answers": [], "cuts": [], "audio_s": 0.0, "pictures": [], "picture_bytes": []}
    return {"bursts": bursts, "kept": [], **empty, **more}


def test_a_share_is_of_the_windows_time() -> None:
    window = Window(usage(10.0, 1.0), usage(20.0, 1.5))
    assert window.took_s == 10.0 and window.percent("server") == pytest.approx(5.0)
    assert window.holds(10.0) and not window.holds(20.0)


def test_a_session_is_matched_to_the_peer_that_it_heard() -> None:
    peers = [peer(0.0), peer(0.74), peer(1.48)]
    sessions = [session(1.48, 0.08), session(0.0, 0.28), session(0.74, 0.02)]
    assert [found for _, found in paired(sessions, peers)] == [peers[2], peers[0], peers[1]]


def test_of_those_that_said_nothing_the_order_counts() -> None:
    peers = [{"bursts": [], "audible": [n]} for n in range(3)]
    sessions = [{"bursts": [], "n": n} for n in range(2)]
    assert paired(sessions, peers) == [(sessions[0], peers[0]), (sessions[1], peers[1])]


def test_speech_of_the_warm_up_does_not_count() -> None:
    heard = session(0.0, 0.08)
    for each in heard["bursts"][:5]:
        each["at"] += 0.5
    window = Window(usage(6.0), usage(16.0))
    found = of_speech([(heard, peer(0.0))], window)
    assert found["speech n"] == 10
    assert found["speech ms p50"] == found["speech ms p95"] == pytest.approx(80)


def test_a_chunk_is_as_late_as_its_oldest_sound() -> None:
    heard = session(0.0, 0.03)
    for each in heard["bursts"]:
        sent = each["at"] - 0.03
        each["chunks"] = [(sent + 0.04 + 0.05, 0.03)]  # its first sound came in the third packet
    found = of_speech([(heard, peer(0.0))], Window(usage(0.0), usage(20.0)))
    assert found["chunk n"] == 40
    assert found["chunk ms p50"] == pytest.approx(30)
    assert found["chunk ms p95"] == pytest.approx(50)


def test_answers_and_cuts_of_the_window() -> None:
    audible = (5.004, 5.02, 12.006, 12.02, 12.04, 12.06)
    heard = session(0.0, 0.08, answers=[5.0, 12.0], cuts=[5.1, 12.05])
    found = of_speech([(heard, peer(0.0, audible))], Window(usage(10.0), usage(20.0)))
    assert found["answer n"] == found["cut n"] == 1
    assert found["answer ms p95"] == pytest.approx(6)
    assert found["cut ms p95"] == pytest.approx(10)


def test_how_long_a_peer_is_spoken_to() -> None:
    audible = tuple(5 + n * 0.02 for n in range(150))  # three seconds, one of them outside
    window = Window(usage(6.0), usage(15.0))
    peers = [peer(0.0, audible), peer(0.0)]
    assert spoken_to_percent(peers, window) == pytest.approx(100 * 2 / 9 / 2, rel=0.01)


def test_missing_sound_is_what_the_window_would_have_held() -> None:
    window = Window(usage(0.0), usage(10.0))
    before, after = [{"audio_s": 3.0}] * 2, [{"audio_s": 13.0}, {"audio_s": 12.0}]
    assert of_amounts(before, after, window) == {"missing %": pytest.approx(5.0)}


def test_a_picture_rate_does_not_depend_on_the_windows_edges() -> None:
    before = [session(0.0, 0.0, pictures=[0.0], picture_bytes=[9])]
    times = [1.25 * n for n in range(9)]
    after = [session(0.0, 0.0, pictures=times, picture_bytes=[9] + 8 * [40_000])]
    found = of_pictures(before, after, VGA)
    assert found == {"pictures/s": pytest.approx(0.8), "gap s p99": 1.25, "picture kB": 40.0}
