"""Every input that once broke an invariant, and those that the fuzzer begins with."""

import time
from pathlib import Path
from typing import Final

import pytest

from tests.fuzz.story import story
from tests.fuzz.targets import LIMIT_S, TARGETS
from transports.jitter import JitterWindow
from transports.picture_sampler import PictureSampler

CORPUS: Final = Path(__file__).parent / "corpus"


def found() -> list[Path]:
    return sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", found(), ids=lambda path: f"{path.parent.name}-{path.name[:20]}")
def test_what_was_found_stays_mended(path: Path) -> None:
    began = time.thread_time()
    TARGETS[path.parent.name].check(path.read_bytes())
    assert time.thread_time() - began < LIMIT_S


def test_each_found_input_is_of_a_target() -> None:
    assert {path.parent.name for path in found()} <= TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_keep_the_invariant_also_when_cut_short(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds():
        for end in range(len(seed), -1, -max(1, len(seed) // 20)):
            target.check(seed[:end])


@pytest.mark.parametrize("name", TARGETS)
def test_there_are_seeds_and_they_are_not_too_long(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds and len(set(seeds)) == len(seeds)
    assert max(map(len, seeds)) <= TARGETS[name].max_bytes


def test_the_stories_of_sound_hold_what_a_network_does() -> None:
    window = JitterWindow()
    for seed in TARGETS["jitter_window"].seeds():
        for arrival, now in story(seed, "audio", "opus", 960):
            window.push(arrival, now)
    counters = window.counters
    assert min(counters.late, counters.lost) > 0


@pytest.mark.parametrize(("name", "codec"), [("vp8_pictures", "VP8"), ("h264_pictures", "H264")])
def test_the_stories_of_pictures_complete_some(name: str, codec: str) -> None:
    for seed in TARGETS[name].seeds():
        sampler = PictureSampler(1.0)
        for arrival, now in story(seed, "video", codec, 3000):
            sampler.push(arrival, now)
            sampler.tick(now)
        assert sampler.counters.pictures > 0
