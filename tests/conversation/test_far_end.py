"""What a person at the far end hears: the answer's sound over the whole path, listened to again."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from emulator.ears import Ears
from processors.playout import TIMESTAMP_STEP
from tests.browser.processes import emulator, service
from tests.talking_peer import Pcm, TalkingPeer, talking_peer

pytestmark = pytest.mark.realtime

ANSWER: Final = "show me this room with a blue wall"
MARGIN: Final = 8_000  # samples of silence, half a second: ears want to hear an end
SPEECH_LEVEL: Final = 100  # of 32768
FULL_SCALE: Final = 32_767


async def answered(peer: TalkingPeer) -> Pcm:
    """The sound of one answer, with silence around it."""
    await peer.join()
    peer.write("hello")
    await peer.told("bot-stopped-speaking")
    sound = peer.sound()
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > SPEECH_LEVEL)
    return np.pad(sound[loud[0] : loud[-1] + 1], MARGIN)


async def test_the_answer_is_understood_where_it_is_heard(tmp_path: Path) -> None:
    """The recogniser is one that breaks, lost frames and wrong rates leave without words."""
    scenario = tmp_path / "answer.json"
    scenario.write_text(json.dumps({"steps": [{"hear": "hello", "say": ANSWER}]}))
    ears = Ears()
    await ears.start()
    try:
        async with (
            emulator(tmp_path, "--scenario", str(scenario)) as gemini,
            service(gemini.environment) as running,
            talking_peer(running.url) as peer,
        ):
            sound = await answered(peer)
        assert await ears.hear(sound.tobytes()) == ANSWER, ears.refusals
    finally:
        await ears.close()
    assert np.abs(sound.astype(np.int32)).max() < FULL_SCALE
    spoken = [packet for packet in peer.packets if packet.audible]
    first, last = peer.packets.index(spoken[0]), peer.packets.index(spoken[-1])
    steps = {b.timestamp - a.timestamp for a, b in pairwise(peer.packets[first : last + 1])}
    assert steps == {TIMESTAMP_STEP}, "a gap within the answer"
