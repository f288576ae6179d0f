"""H.264 as browsers offer it: what our answer takes, and that it leads to a picture.

The format lines are those of Chrome 130, Safari 17 and Firefox 128.
"""

import asyncio
import re
from dataclasses import replace

import pytest

from tests.transports.offers import audio, offer, video
from tests.transports.peers import BOUND_S, CONFIG, Listener, calling, client_with
from tests.transports.real_video import decoded
from transports.webrtc_peer import WebRTCPeer

# Payload type, packetization mode, profile-level-id.
Formats = list[tuple[int, int, str]]

CHROME: Formats = [
    (102, 1, "42001f"),
    (104, 0, "42001f"),
    (106, 1, "42e01f"),
    (108, 0, "42e01f"),
    (127, 1, "4d001f"),
    (39, 0, "4d001f"),
    (112, 1, "64001f"),
]
SAFARI: Formats = [(96, 1, "640c1f"), (98, 1, "42e01f"), (100, 0, "640c1f"), (102, 0, "42e01f")]
FIREFOX: Formats = [(126, 1, "42e01f"), (97, 0, "42e01f"), (105, 1, "42001f"), (103, 0, "42001f")]


def lines(formats: Formats) -> list[str]:
    out = []
    for number, mode, profile in formats:
        out += [
            f"a=rtpmap:{number} H264/90000",
            f"a=fmtp:{number} level-asymmetry-allowed=1;packetization-mode={mode};"
            f"profile-level-id={profile}",
            f"a=rtcp-fb:{number} nack",
            f"a=rtcp-fb:{number} nack pli",
        ]
    return out


def offered(formats: Formats) -> str:
    section = video("1", *lines(formats)[1:], codec=lines(formats)[0])
    section[0] = "m=video 9 UDP/TLS/RTP/SAVPF " + " ".join(str(f[0]) for f in formats)
    return offer(audio("0"), section)


async def answered(formats: Formats) -> list[tuple[int, int, str]]:
    peer = WebRTCPeer("peer", CONFIG, Listener())
    try:
        answer = await peer.answer(offered(formats))
    finally:
        await peer.close()
    taken = []
    for number in map(int, re.findall(r"a=rtpmap:(\d+) H264/90000", answer)):
        (format_line,) = re.findall(rf"a=fmtp:{number} (\S+)", answer)
        values = dict(item.split("=") for item in format_line.split(";"))
        taken.append((number, int(values.get("packetization-mode", 0)), values["profile-level-id"]))
    return taken


@pytest.mark.parametrize(
    ("formats", "taken"),
    [
        (CHROME, [(102, 1, "42001f"), (106, 1, "42e01f")]),
        (SAFARI, [(98, 1, "42e01f")]),
        (FIREFOX, [(126, 1, "42e01f"), (105, 1, "42001f")]),
    ],
    ids=["Chrome", "Safari", "Firefox"],
)
async def test_baseline_in_mode_1_is_taken_in_the_order_of_the_offer(
    formats: Formats, taken: Formats
) -> None:
    assert await answered(formats) == taken


async def test_what_is_taken_leads_to_a_picture() -> None:
    config = replace(CONFIG, picture_interval_s=0.25)
    async with calling(client_with(camera="H264", channel=False), config) as call:
        picture = await asyncio.wait_for(call.listener.pictures.get(), BOUND_S)
        assert picture.codec == "H264" and picture.alone
        (frame,) = decoded("H264", picture.parts[0])
        assert (frame.width, frame.height) == (320, 240)
