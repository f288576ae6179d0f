"""Offers at the door: what is too much, what is wrong, what is dropped, what gets through."""

import time

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transports.offers import CHROMIUM, TRANSPORT, audio, data, offer, video, without
from transports.errors import SignallingRefused
from transports.ice import CandidatePolicy
from transports.sdp import (
    MAX_CODECS,
    MAX_WILDCARD_FEEDBACK,
    SdpLimits,
    answer_with_public_hosts,
    fingerprints,
    offer_untrusted,
)

LIMITS = SdpLimits()
POLICY = CandidatePolicy(allow_loopback=False)

CANDIDATE = "a=candidate:1 1 udp 2113937151 203.0.113.7 50000 typ host"


def taken(sdp: str) -> list[str]:
    return offer_untrusted(sdp, LIMITS, POLICY).splitlines()


def refused(sdp: str, counter: str = "sdp_malformed") -> str:
    with pytest.raises(SignallingRefused) as caught:
        offer_untrusted(sdp, LIMITS, POLICY)
    assert caught.value.counter == counter
    assert caught.value.status == (413 if counter == "sdp_too_large" else 400)
    sentence = str(caught.value)
    assert sentence[0].isupper() and sentence.endswith(".")
    return sentence


# ---- what gets through ----------------------------------------------------------------------


def test_a_browsers_offer_loses_its_mdns_candidates_and_nothing_else() -> None:
    lines = CHROMIUM.splitlines()
    assert sum(".local" in line for line in lines) == 8
    assert taken(CHROMIUM) == [line for line in lines if ".local" not in line]


def test_candidates_are_filtered_and_the_end_of_candidates_dropped() -> None:
    lines = [
        CANDIDATE,
        "a=candidate:2 1 tcp 1518280447 203.0.113.7 9 typ host tcptype active",
        "a=candidate:3 1 udp 2113937151 127.0.0.1 50000 typ host",
        "a=candidate:4 1 udp 2113937151 169.254.169.254 50000 typ host",
        "a=end-of-candidates",
    ]
    kept = taken(offer(audio("0", *lines)))
    assert [line for line in kept if "candidate" in line] == [CANDIDATE]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r\n\r\n"])
def test_any_line_ending_becomes_crlf(ending: str) -> None:
    sdp = offer(audio(), data())
    assert offer_untrusted(sdp.replace("\r\n", ending), LIMITS, POLICY) == sdp


def test_the_default_direction_is_written_out() -> None:
    sdp = without(offer(audio("0"), video("1", "a=recvonly"), data("2")), "a=sendrecv")
    media = SessionDescription.parse("\r\n".join(taken(sdp))).media
    assert [m.direction for m in media] == ["sendrecv", "recvonly", None]


def test_a_direction_of_the_session_holds_for_sections_without() -> None:
    sdp = without(offer(audio("0"), video("1", "a=inactive")), "a=sendrecv")
    sdp = sdp.replace("t=0 0\r\n", "t=0 0\r\na=recvonly\r\n")
    media = SessionDescription.parse("\r\n".join(taken(sdp))).media
    assert [m.direction for m in media] == ["recvonly", "inactive"]


def test_a_section_without_port_is_taken_when_it_is_only_bundled() -> None:
    assert taken(offer(audio("0"), video("1", "a=bundle-only", port=0)))


def test_credentials_may_be_those_of_the_session() -> None:
    sdp = offer(audio("0"), data("1"))
    for attribute in TRANSPORT:
        sdp = without(sdp, attribute)
    assert taken(sdp.replace("t=0 0\r\n", "t=0 0\r\n" + "\r\n".join(TRANSPORT) + "\r\n"))


def test_an_old_data_channel_section_needs_no_sctp_port() -> None:
    sdp = offer(data("0", "a=sctpmap:5000 webrtc-datachannel 1024", port=None))
    assert taken(sdp.replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000"))


# ---- too much -------------------------------------------------------------------------------


def test_200_media_sections_are_too_many() -> None:
    sections = [video(str(i)) for i in range(200)]
    limits = SdpLimits(max_bytes=1 << 20, max_lines=1 << 20)
    with pytest.raises(SignallingRefused, match="more than 8 media sections") as caught:
        offer_untrusted(offer(*sections), limits, POLICY)
    assert (caught.value.counter, caught.value.status) == ("sdp_too_large", 413)
    assert taken(offer(*sections[:8]))


def test_a_giant_is_refused_before_it_is_read() -> None:
    giant = CHROMIUM + "a=x:" + "y" * 8_000_000
    began = time.perf_counter()
    assert refused(giant, "sdp_too_large") == "The SDP is larger than 65536 bytes."
    assert time.perf_counter() - began < 1.0


def test_bytes_are_counted_not_characters() -> None:
    padding = "a=x:" + "\u20ac" * 30_000
    assert len(offer(audio("0", padding))) < LIMITS.max_bytes
    refused(offer(audio("0", padding)), "sdp_too_large")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([CANDIDATE] * 65, "more than 64 candidates"),
        (["a=x"] * 2000, "more than 2000 lines"),
        ([f"a=rtpmap:{i} x/1" for i in range(MAX_CODECS)], "more than 128 codecs"),
        (["a=rtcp-fb:* nack"] * (MAX_WILDCARD_FEEDBACK + 1), "rtcp-fb:* lines"),
    ],
)
def test_too_much_of_anything(lines: list[str], sentence: str) -> None:
    assert sentence in refused(offer(audio("0", *lines)), "sdp_too_large")


def test_just_as_much_as_allowed_is_taken() -> None:
    codecs = [f"a=rtpmap:{i} x/1" for i in range(MAX_CODECS) if i != 111]
    feedback = ["a=rtcp-fb:* nack"] * MAX_WILDCARD_FEEDBACK
    sdp = offer(audio("0", *codecs, *feedback, CANDIDATE, CANDIDATE), data("1"))
    limits = SdpLimits(
        max_bytes=len(sdp), max_media=2, max_candidates=2, max_lines=len(sdp.splitlines())
    )
    assert offer_untrusted(sdp, limits, POLICY) == sdp


def test_the_worst_that_gets_through_is_read_quickly() -> None:
    """Without the limits on codecs this one takes aiortc more than a second."""
    codecs = [f"a=rtpmap:{i} VP8/90000" for i in range(127) if i != 96]
    feedback = ["a=rtcp-fb:* nack"] * MAX_WILDCARD_FEEDBACK
    lines = [*codecs, *feedback, *(["a=rtcp-fb:126 nack"] * 1700)]
    began = time.process_time()
    assert taken(offer(video("0", *lines)))
    assert time.process_time() - began < 0.5


# ---- wrong ----------------------------------------------------------------------------------

BROKEN = {
    "empty": ("", "no media section"),
    "no media": (offer(), "no media section"),
    "prose": ("hello\r\nworld\r\n", "no media section"),
    "half a surrogate": (offer(audio("0", "a=x:\ud800")), "not text"),
    "unreadable m-line": ("m=audio\r\n", "cannot be read"),
    "bad rtpmap": (offer(audio("0", "a=rtpmap:97 x")), "cannot be read"),
    "fmtp of no codec": (offer(audio("0", "a=fmtp:5 a=b")), "cannot be read"),
    "huge number": (offer(audio("0", "a=max-message-size:" + "9" * 5000)), "cannot be read"),
    "forbidden payload type": (
        offer(audio()).replace("SAVPF 111", "SAVPF 72"),
        "cannot be read",
    ),
    "unknown setup": (offer(audio()).replace("actpass", "holdconn"), "cannot be read"),
    "bad candidate": (offer(audio("0", "a=candidate:1 1 udp")), "not an ICE candidate line"),
    "payload type twice": (
        offer(audio("0", "a=rtpmap:0111 opus/48000/2")),
        "not a number",
    ),
    "payload type twice, spelt alike": (
        offer(audio("0", "a=rtpmap:111 opus/48000/2")),
        "payload type twice",
    ),
    "no mid": (without(offer(audio()), "a=mid"), "mid of its own"),
    "one mid for two": (offer(audio("0"), video("0")), "mid of its own"),
    "bundle of strangers": (offer(audio("0"), bundle="0 7"), "bundles a mid"),
    "two data channel sections": (offer(data("0"), data("1")), "more than one section"),
    "text": (offer(audio()).replace("m=audio", "m=text"), "not audio, video or application"),
    "rejected": (offer(audio(), video(port=0)), "rejected section"),
    "no ICE user": (without(offer(audio()), "a=ice-ufrag"), "no ICE credentials"),
    "no ICE password": (without(offer(audio()), "a=ice-pwd"), "no ICE credentials"),
    "no fingerprint": (without(offer(audio()), "a=fingerprint"), "no DTLS fingerprint"),
    "no setup": (without(offer(audio()), "a=setup"), "no DTLS fingerprint or no setup"),
    "no rtcp-mux": (without(offer(audio()), "a=rtcp-mux"), "rtcp-mux"),
    "no sctp-port": (offer(data(port=None)), "sctp-port"),
    "sctp-port 0": (offer(data(port=0)), "sctp-port"),
    "sctp-port 70000": (offer(data(port=70_000)), "sctp-port"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_offer_is_refused_in_words(name: str) -> None:
    sdp, sentence = BROKEN[name]
    counter = "candidate_malformed" if name == "bad candidate" else "sdp_malformed"
    assert sentence in refused(sdp, counter)


def test_no_refusal_repeats_what_the_peer_sent() -> None:
    for sdp, _ in BROKEN.values():
        with pytest.raises(SignallingRefused) as caught:
            offer_untrusted(sdp, LIMITS, POLICY)
        assert "abcd" not in str(caught.value) and "AB:AB" not in str(caught.value)


@settings(deadline=None)
@given(st.data())
def test_a_real_offer_with_lines_lost_doubled_or_bent_raises_nothing_else(
    data: st.DataObject,
) -> None:
    lines = CHROMIUM.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        i = data.draw(st.integers(0, len(lines) - 1))
        line = lines[i]
        cut = data.draw(st.integers(0, len(line)))
        insert = data.draw(st.sampled_from(["", " ", ":", "9" * 30, "-1", "\x00", "\ud800", "a="]))
        lines[i : i + 1] = data.draw(
            st.sampled_from([[], [line, line], [line[:cut] + insert + line[cut:]], [line[:cut]]])
        )
        if not lines:
            break
    try:
        offer_untrusted("\r\n".join(lines), LIMITS, POLICY)
    except SignallingRefused:
        pass


@settings(deadline=None)
@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(SignallingRefused):
        offer_untrusted(text, LIMITS, POLICY)


# ---- the answer -----------------------------------------------------------------------------


def test_bound_addresses_become_public_ones() -> None:
    sdp = offer(
        audio(
            "0",
            "a=candidate:1 1 udp 2113937151 10.0.0.5 50000 typ host",
            "a=candidate:2 1 udp 2113937151 10.0.0.55 50000 typ host",
        )
    ).replace("c=IN IP4 0.0.0.0", "c=IN IP4 10.0.0.5")
    answer = answer_with_public_hosts(sdp, {"10.0.0.5": "203.0.113.9"})
    assert answer == sdp.replace("10.0.0.5 ", "203.0.113.9 ").replace(
        "IP4 10.0.0.5\r\n", "IP4 203.0.113.9\r\n"
    )


def test_without_public_addresses_the_answer_stays() -> None:
    assert answer_with_public_hosts(CHROMIUM, {}) == CHROMIUM


def test_the_fingerprints_of_an_offer_are_read_in_any_case() -> None:
    upper = "v=0\r\na=fingerprint:sha-256 AB:CD \r\nm=audio\r\na=fingerprint:SHA-1 ef:01\r\n"
    assert fingerprints(upper) == fingerprints(upper.lower()) == {"sha-256 ab:cd", "sha-1 ef:01"}
    assert fingerprints("v=0\r\n") == frozenset()
