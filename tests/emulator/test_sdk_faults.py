"""The emulator's faults as the unmodified SDK meets them, and a talk that goes on behind them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google import genai
from google.genai import live, types
from google.genai.errors import APIError
from websockets.exceptions import InvalidStatus

from tests.emulator.emulator_process import FAST, RunningEmulator, running_emulator
from tests.emulator.sdk import LONG, PCM_16K, SLICE_BYTES, answer, client_for, connected, until
from tests.emulator.test_activity import silence, tone

Start = Callable[..., contextlib.AbstractContextManager[tuple[genai.Client, RunningEmulator]]]
SCENARIO = f"""
steps:
  - {{hear: tell, transcript: tell me, say: "{LONG}", repeat: true}}
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    @contextlib.contextmanager
    def starting(*arguments: str) -> Iterator[tuple[genai.Client, RunningEmulator]]:
        written = tmp_path / "talk.yaml"
        written.write_text(SCENARIO)
        with running_emulator(tmp_path, *FAST, "--scenario", str(written), *arguments) as emulator:
            client = client_for(emulator, monkeypatch)
            yield client, emulator
            client.close()

    return starting


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("drop@answer=0", APIError, "1006"),
        ("close@answer=0,code=4000,reason=because", APIError, "4000.*because"),
        ("quota", APIError, "1011.*You exceeded your current quota"),
        ("quota,how=upgrade", InvalidStatus, "429"),
        ("garbage@answer=0", ValueError, "Failed to parse response"),
        ("big_frame@answer=0,bytes=1048577", APIError, "1006"),
    ],
)
async def test_what_the_sdk_raises(
    start: Start, fault: str, error: type[Exception], words: str
) -> None:
    with start("--fault", fault) as (client, _):
        with pytest.raises(error, match=words):
            async with connected(client) as session:
                await session.send_realtime_input(text="tell me")
                await answer(session)


async def test_a_bundled_answer_is_read_whole(start: Start) -> None:
    with start("--fault", "bundled,times=0") as (client, _):
        async with connected(client) as session:
            await session.send_realtime_input(text="hello")
            got = await answer(session)
            [whole] = [one for one in got.messages if one.data]
            assert whole.server_content is not None and whole.server_content.turn_complete
            assert got.said == "Hello. I am the emulator."


async def test_a_faster_clock_asks_to_go_sooner(start: Start) -> None:
    with start("--clock", "600") as (client, _):
        async with connected(client) as session:
            got = await until(session, lambda message: message.go_away)
            notice = got.messages[-1].go_away
            assert notice is not None
            assert float((notice.time_left or "").removesuffix("s")) == pytest.approx(50 / 600)


class Wire:
    """Sends an utterance, and keeps the newest handle with the index that belongs to it."""

    def __init__(self) -> None:
        self.handle: str | None = None
        self.index = 0

    def read(self, message: types.LiveServerMessage) -> None:
        update = message.session_resumption_update
        if update is not None and update.new_handle:
            self.handle = update.new_handle
            self.index = update.last_consumed_client_message_index or 0

    async def say(self, session: live.AsyncSession, slices: list[bytes]) -> None:
        for one in slices:
            await session.send_realtime_input(audio=types.Blob(data=one, mime_type=PCM_16K))


async def test_an_utterance_goes_on_behind_a_break_and_no_sample_is_lost_or_doubled(
    start: Start,
) -> None:
    pcm = tone(3.0) + silence(0.4)
    slices = [pcm[at : at + SLICE_BYTES] for at in range(0, len(pcm), SLICE_BYTES)]
    faults = ("--fault", "drop@speech=0.5", "--handle-interval", "0.1", "--consumed-index")
    with start(*faults) as (client, emulator):
        wire = Wire()
        resumption = types.SessionResumptionConfig()
        with pytest.raises(APIError, match="1006"):
            async with connected(client, session_resumption=resumption) as session:
                # Half of it, so that the user still speaks when the line breaks.
                await wire.say(session, slices[:40])
                while True:
                    async for message in session.receive():
                        wire.read(message)
        assert 0 < wire.index <= 40
        resumption = types.SessionResumptionConfig(handle=wire.handle)
        async with connected(client, session_resumption=resumption) as session:
            await wire.say(session, slices[wire.index :])
            assert (await answer(session)).heard == "tell me"
        first, second = emulator.sessions()
        assert [fault["kind"] for fault in first["faults"]] == ["drop"]
        known = second["resumed_from"]
        assert known == {
            **{"id": first["id"], "calls": 0},
            "audio_samples": wire.index * SLICE_BYTES // 2,
        }
        sent = known["audio_samples"] + second["audio"]["seconds"] * 16_000
        assert sent == len(pcm) // 2
        [turn] = second["turns"]
        assert turn["audio_from"] == 0
        assert turn["audio_to"] == pytest.approx(48_000 - known["audio_samples"] + 3200, abs=640)
