"""What a room is made of: the settings that shape its parts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import pytest
from google import genai

from pipeline.assembly import Parts, assemble
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared
from pipeline.signed_urls import UrlSigner
from processors.gemini.activity_marks import ActivityMarks
from processors.images.pixels import Picture
from processors.ticker import Ticker
from transports.webrtc_peer import PeerConfig


@pytest.fixture
def shared() -> Iterator[Shared]:
    with ThreadPoolExecutor(1) as executor:
        yield Shared(
            client=genai.Client(api_key="never used"),
            partner="emulator",
            vertex=False,
            executor=executor,
            ticker=Ticker(),
            peer_config=PeerConfig(),
            count=lambda name: None,
            max_peers=2,
            max_message_bytes=65536,
            max_upload_bytes=65536,
            idle_limit_s=0.01,
            signer=UrlSigner(),
            tools=(),
        )


def parts_of(shared: Shared, **given: Any) -> Parts:
    settings = RoomSettings.model_validate(given)
    return assemble(settings, shared, lambda payload, timestamp: None, lambda: None)


async def test_how_much_sound_may_wait_is_a_setting(shared: Shared) -> None:
    parts = parts_of(shared, audio={"maxInputBacklogMs": 500, "maxOutputBacklogS": 7})
    assert parts.gemini.live.outbox.audio_limit_s == 0.5
    assert parts.audio_out.playout.limit_s == 7.0
    parts = parts_of(shared)
    assert (parts.gemini.live.outbox.audio_limit_s, parts.audio_out.playout.limit_s) == (30, 600)


async def test_who_marks_where_speech_begins_is_a_setting(shared: Shared) -> None:
    assert parts_of(shared).gemini.marks is None
    own = parts_of(shared, live={"automaticActivityDetection": False})
    assert isinstance(own.gemini.marks, ActivityMarks)


async def test_every_part_that_drops_or_replaces_counts(shared: Shared) -> None:
    parts = parts_of(shared)
    parts.studio.store.put("a", Picture("image/png", b"x", 1, 1))
    counted = parts.counters()
    assert counted["image_store"].stored == 1
    for counters in counted.values():
        assert all(
            isinstance(getattr(counters, each.name), int | float) for each in fields(counters)
        )
