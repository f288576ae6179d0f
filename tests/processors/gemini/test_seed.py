"""The seed of a fresh session, and what sessions of each kind of model make of it."""

import asyncio
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.genai import types
from PIL import Image

from processors.conversation import FORGOTTEN_IMAGE, Conversation, image_part
from processors.gemini.client import Endpoint, LiveConnection, connect, make_client
from processors.gemini.events import AudioChunk, TurnComplete
from processors.gemini.history import MAX_HISTORY_BYTES, MAX_TURNS
from processors.gemini.live_config import live_connect_config
from processors.gemini.outbox import Audio, RealtimeText
from processors.gemini.profiles import ModelProfile, profile_for
from processors.gemini.seed import CURRENT_IMAGE, NOTHING_SAID, Seed, seed_of
from processors.gemini.settings import LiveSettings
from tests.emulator.emulator_process import FAST, RunningEmulator, running_emulator
from tests.processors.sounds import silence, spoken

M25 = "gemini-2.5-flash-native-audio-latest"
M25_VERTEX = "gemini-live-2.5-flash-native-audio"
M31 = "gemini-3.1-flash-live-preview"
M38 = "gemini-3.8-live"
THINKING = "gemini-3.8-live-extended-thinking"
TRANSLATE = "gemini-3.5-live-translate-preview"
LIMIT_S = 20.0
IMAGE = ("image/png", b"\x89PNG")
Contents = list[dict[str, Any]]


def said(role: str, *texts: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text} for text in texts]}


def shown(size: int, *texts: str, role: str = "user") -> dict[str, Any]:
    parts = [image_part("image/jpeg", bytes(size)), *({"text": text} for text in texts)]
    return {"role": role, "parts": parts}


def seeded(
    contents: Sequence[dict[str, Any]],
    model: str = M38,
    image: tuple[str, bytes] | None = None,
    *,
    vertex: bool = False,
) -> Seed | None:
    return seed_of(contents, profile_for(model, vertex=vertex), image)


def written(seed: Seed | None) -> list[tuple[str, list[str | int]]]:
    """Each turn's role and parts: a text, or how many bytes an image has."""
    assert seed is not None
    return [(turn.role or "", [_part(part) for part in turn.parts or []]) for turn in seed.turns]


def _part(part: types.Part) -> str | int:
    if part.inline_data is not None:
        return len(part.inline_data.data or b"")
    return part.text or ""


def test_turns_keep_their_roles_and_parts() -> None:
    seed = seeded([shown(3, "Look."), said("model", "I see.")])
    assert written(seed) == [("user", [3, "Look."]), ("model", ["I see."])]
    assert seed is not None and seed.turns[0].parts is not None
    blob = seed.turns[0].parts[0].inline_data
    assert blob is not None and (blob.mime_type, blob.data) == ("image/jpeg", bytes(3))


def test_images_are_read_as_a_conversation_writes_them() -> None:
    conversation = Conversation()
    conversation.showed([("image/png", b"\xfb\xff")])
    conversation.typed("look", peer_id="p")
    seed = seeded(conversation.contents())
    assert seed is not None and seed.turns[0].parts is not None
    blob = seed.turns[0].parts[0].inline_data
    assert blob is not None and blob.data == b"\xfb\xff"


def test_turns_of_the_same_side_become_one() -> None:
    contents = [said("user", "a"), said("user", "b"), said("model", "c"), said("model", "d")]
    assert written(seeded(contents)) == [("user", ["a", "b"]), ("model", ["c", "d"])]


def test_the_current_image_comes_last() -> None:
    told: Contents = [said("user", "draw"), said("model", "Here it is.")]
    last = ("user", [4, CURRENT_IMAGE])
    assert written(seeded(told, image=IMAGE))[2:] == [last]
    assert written(seeded([], image=IMAGE)) == [last]
    assert written(seeded(told[:1], image=IMAGE)) == [("user", ["draw", 4, CURRENT_IMAGE])]


def test_where_the_user_must_be_last_nothing_is_said() -> None:
    told: Contents = [said("user", "a"), said("model", "b")]
    assert written(seeded(told, M25))[-1] == ("user", [NOTHING_SAID])
    assert written(seeded(told[:1], M25)) == [("user", ["a"])]
    assert written(seeded(told, M25, IMAGE))[-1] == ("user", [4, CURRENT_IMAGE])
    assert written(seeded(told, M38))[-1] == ("model", ["b"])


def test_only_a_model_that_knows_of_a_history_takes_closed_turns_in_silence() -> None:
    told: Contents = [said("user", "a")]
    complete = {
        (model, vertex): seed.complete
        for model, vertex in ((M25, False), (M25_VERTEX, True), (M38, False), (M38, True))
        if (seed := seeded(told, model, vertex=vertex)) is not None
    }
    assert complete == {
        (M25, False): False,
        (M25_VERTEX, True): False,
        (M38, False): True,
        (M38, True): False,
    }


def test_nothing_to_tell() -> None:
    assert seeded([]) is None
    assert seeded([said("user", "a")], TRANSLATE, IMAGE) is None


def test_of_too_many_turns_the_newest_are_told() -> None:
    contents = [said("user" if n % 2 else "model", str(n)) for n in range(MAX_TURNS + 2)]
    turns = written(seeded(contents))
    assert (len(turns), turns[0]) == (MAX_TURNS, ("model", ["2"]))


def test_of_too_many_words_the_newest_are_told() -> None:
    half = "é" * (MAX_HISTORY_BYTES // 4)
    assert len(written(seeded([said("user", half), said("model", half)]))) == 2
    turns = written(seeded([said("user", "x"), said("model", half, half), said("user", "y" * 0)]))
    assert [role for role, _ in turns] == ["model", "user"]
    assert seeded([said("model", half, half, "x")]) is None


def test_images_make_room_for_words_and_old_ones_for_new_ones() -> None:
    half = MAX_HISTORY_BYTES // 2
    contents = [shown(3, "a"), shown(half, "b"), said("user", "c" * half)]
    (only,) = written(seeded(contents))
    assert only[1][:4] == [FORGOTTEN_IMAGE, "a", FORGOTTEN_IMAGE, "b"]
    assert written(seeded(contents[:2]))[0][1] == [3, "a", half, "b"]
    (only,) = written(seeded(contents[:2], image=("image/png", bytes(half))))
    assert only[1] == [FORGOTTEN_IMAGE, "a", FORGOTTEN_IMAGE, "b", half, CURRENT_IMAGE]


def test_the_current_image_is_told_however_large() -> None:
    large = MAX_HISTORY_BYTES + 1
    (only,) = written(seeded([shown(1, "a")], image=("image/png", bytes(large))))
    assert only[1] == [FORGOTTEN_IMAGE, "a", large, CURRENT_IMAGE]


# On the emulator, with the real SDK.


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    with running_emulator(Path(tmp_path_factory.mktemp("emulator")), *FAST) as running:
        yield running


def red() -> tuple[str, bytes]:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "PNG")
    return "image/png", out.getvalue()


def profile_of(model: str, vertex: bool) -> tuple[ModelProfile, types.LiveConnectConfig]:
    settings = LiveSettings.model_validate({"model": model})
    profile = profile_for(model, vertex=vertex)
    config = live_connect_config(
        settings, profile=profile, tools=[], handle=None, vertex=vertex, seeded=True
    )
    return profile, config


async def answer(connection: LiveConnection) -> int:
    """Until a turn is over; how many pieces of sound it had."""
    pieces = 0
    async with asyncio.timeout(LIMIT_S):
        while True:
            for event in await connection.receive():
                pieces += isinstance(event, AudioChunk)
                if isinstance(event, TurnComplete) and not event.in_progress:
                    return pieces


TOLD: Contents = [
    said("user", "My name is Ada."),
    said("model", "Hello Ada."),
    said("user", "Draw a house."),
    said("model", "Here it is."),
]


@pytest.mark.parametrize("last", ["model", "image", "user"])
@pytest.mark.parametrize(
    ("model", "vertex"),
    [(M25, False), (M31, False), (M38, False), (THINKING, False), (M25_VERTEX, True), (M38, True)],
)
async def test_a_seeded_session_answers_when_it_is_spoken_to_and_once(
    emulator: RunningEmulator, model: str, vertex: bool, last: str
) -> None:
    profile, config = profile_of(model, vertex)
    told = TOLD[:-1] if last == "user" else TOLD
    seed = seed_of(told, profile, red() if last == "image" else None)
    assert seed is not None
    client = make_client(Endpoint(emulator.base_url, "key", emulator.context), vertex=vertex)
    question = spoken("what do you see")
    try:
        async with connect(client, model, config) as connection:
            await connection.seed(seed)
            for pcm in (question, silence(1.5)):
                for start in range(0, pcm.size, 640):
                    await connection.send(Audio(pcm[start : start + 640].tobytes()))
            assert await answer(connection) > 0
            await connection.send(RealtimeText("count to ten"))
            assert await answer(connection) > 0
            record = emulator.sessions()[-1]
    finally:
        await client.aio.aclose()
        client.close()
    first, second = record["turns"]
    assert (first["prompt"], second["prompt"]) == ("audio", "text"), "the seed prompted nothing"
    assert first["heard"] == "what do you see"
    assert ("red" in first["said"]) is (last == "image")
    assert second["heard"] == "count to ten", "nothing of the seed waits to be answered"
    texts = " ".join(record["texts"])
    assert all(turn["parts"][0]["text"] in texts for turn in told)
    assert ("historyConfig" in record["setup"]) is profile.seed_needs_history_config
