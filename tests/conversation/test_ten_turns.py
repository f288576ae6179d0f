"""Ten turns over real WebRTC, with a camera and an interruption in the middle of an answer."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.processes import emulator, service
from tests.browser.stage_set import Pcm, spoken
from tests.talking_peer import Camera, Packet, TalkingPeer, talking_peer

pytestmark = pytest.mark.realtime

MOST_AUDIBLE_AFTER_CUT: Final = 3
PHRASES: Final = (
    *("hello", "what do you see", "thank you", "hello"),
    *("tell me a story", "stop"),
    *("what do you see", "thank you", "hello", "goodbye"),
)
STORY: Final = PHRASES.index("tell me a story")
LEAST_GAP_S: Final = 0.5  # a second, less what a busy machine may delay the earlier one
SLOWEST_RATE: Final = 0.95
FASTEST_RATE: Final = 1.0


async def turn(peer: TalkingPeer, phrase: str, said: Pcm) -> None:
    """Says the phrase and hears the whole answer."""
    before = len(peer.messages)
    peer.microphone.say(said)
    await peer.transcribed("user", phrase, after=before)
    await peer.transcribed("model", "", after=before)
    await peer.told("bot-stopped-speaking", after=before)


async def interrupted_turn(peer: TalkingPeer, story: Pcm, stop: Pcm) -> None:
    """Asks for a story and stops it when it has begun."""
    before = len(peer.messages)
    peer.microphone.say(story)
    await peer.told(
        "server-message", lambda d: d.get("role") == "model" and len(d["text"]) > 40, after=before
    )
    peer.microphone.say(stop)
    cut = await peer.told("bot-interrupted", after=before)
    await peer.transcribed("user", "stop", after=cut)
    await peer.transcribed("model", "", after=cut)
    await peer.told("bot-stopped-speaking", after=cut + 1)


def audible_after_cut(packets: list[Packet], turns: list[dict[str, Any]]) -> list[Packet]:
    """Packets with sound in them between the emulator's `interrupted` and its next answer."""
    cut = next(t for t in turns if t["interrupted"])
    following = next(t for t in turns if t["number"] > cut["number"])
    since, until = cut["interrupted_at_unix"], following["first_output_at_unix"]
    return [packet for packet in packets if since < packet.at < until and packet.audible]


async def test_ten_turns(tmp_path: Path) -> None:
    says = [await asyncio.to_thread(spoken, phrase, tmp_path) for phrase in PHRASES]
    async with (
        emulator(tmp_path) as gemini,
        service(gemini.environment) as running,
        talking_peer(running.url, camera=Camera()) as peer,
    ):
        await peer.join()
        for phrase, said in zip(PHRASES[:STORY], says, strict=False):
            await turn(peer, phrase, said)
        await interrupted_turn(peer, *says[STORY : STORY + 2])
        for phrase, said in zip(PHRASES[STORY + 2 :], says[STORY + 2 :], strict=True):
            await turn(peer, phrase, said)
        (session,) = await gemini.sessions()
        state = await peer.get()

    assert [t["heard"] for t in session["turns"]] == list(PHRASES)
    late = audible_after_cut(peer.packets, session["turns"])
    assert len(late) <= MOST_AUDIBLE_AFTER_CUT, f"{len(late)} audible packets after the cut"
    check_history(state["history"])
    check_media(session)


def check_history(history: list[dict[str, Any]]) -> None:
    """Both sides of all turns; of the cut story only what was heard."""
    assert [entry["role"] for entry in history] == ["user", "model"] * len(PHRASES)
    texts = [entry["parts"][0]["text"] for entry in history]
    assert texts[::2] == list(PHRASES)
    story = texts[2 * STORY + 1]
    assert story and "Once upon a time there was a painter who had".startswith(story)


def check_media(session: dict[str, Any]) -> None:
    """16 kHz mono PCM without a gap; one JPEG a second, never two at a time."""
    audio, video = session["audio"], session["video"]
    assert set(audio["mime_types"]) == {"audio/pcm;rate=16000"}
    assert audio["seconds"] == pytest.approx(audio["last_at"] - audio["first_at"], rel=0.02)
    assert set(video["mime_types"]) == {"image/jpeg"}
    times = video["times"]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= LEAST_GAP_S, sorted(gaps)[:5]
    assert SLOWEST_RATE <= len(gaps) / (times[-1] - times[0]) <= FASTEST_RATE
