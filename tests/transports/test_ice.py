"""Which remote candidates are taken, dropped, refused."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.errors import SignallingRefused
from transports.ice import (
    MAX_CANDIDATE_CHARS,
    MAX_PRIORITY,
    CandidatePolicy,
    address_allowed,
    candidate_untrusted,
)

OPEN = CandidatePolicy(allow_loopback=True)
STRICT = CandidatePolicy(allow_loopback=False)
PUBLIC_ONLY = CandidatePolicy(allow_loopback=False, allow_private=False)


def line(
    address: str = "203.0.113.7",
    port: object = 50_000,
    *,
    protocol: str = "udp",
    component: object = 1,
    priority: object = 2_113_937_151,
    kind: str = "host",
) -> str:
    return f"candidate:1 {component} {protocol} {priority} {address} {port} typ {kind}"


def refused(text: str) -> SignallingRefused:
    with pytest.raises(SignallingRefused) as caught:
        candidate_untrusted(text, "0", 0, OPEN)
    assert caught.value.counter == "candidate_malformed" and caught.value.status == 400
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize("prefix", ["a=", "", "  "])
def test_a_browsers_candidate_is_taken(prefix: str) -> None:
    text = f"{prefix}{line()} raddr 0.0.0.0 rport 0 generation 0 network-cost 999"
    candidate = candidate_untrusted(text, "audio", 3, STRICT)
    assert candidate is not None
    assert (candidate.ip, candidate.port, candidate.type) == ("203.0.113.7", 50_000, "host")
    assert (candidate.sdpMid, candidate.sdpMLineIndex) == ("audio", 3)


@pytest.mark.parametrize("text", ["", "  ", "candidate:", "a=end-of-candidates"])
def test_the_end_of_candidates_is_dropped(text: str) -> None:
    assert candidate_untrusted(text, "0", 0, OPEN) is None


@pytest.mark.parametrize(
    "text",
    [
        line(protocol="tcp") + " tcptype active",
        line("7b5ad95e-73fb-4256-aa35-1c5e9fa394ce.local"),
        line("metadata.google.internal"),
        line(component=2),
        line(port=0),
        line(port=9),
        line(port=1023),
        line(port=65_536),
        line(port=-50_000),
        line(port="9" * 30),
    ],
)
def test_what_we_would_not_send_to_is_dropped_in_silence(text: str) -> None:
    assert candidate_untrusted(text, "0", 0, OPEN) is None


def test_the_ports_at_the_ends_of_the_range_are_taken() -> None:
    assert candidate_untrusted(line(port=1024), "0", 0, OPEN) is not None
    assert candidate_untrusted(line(port=65_535, protocol="UDP"), "0", 0, OPEN) is not None


@pytest.mark.parametrize("priority", [1, MAX_PRIORITY])
def test_the_priorities_at_the_ends_of_the_range_are_taken(priority: int) -> None:
    assert candidate_untrusted(line(priority=priority), "0", 0, OPEN) is not None


def test_the_longest_line_is_taken() -> None:
    text = line().removeprefix("candidate:") + " x "
    padded = text + "y" * (MAX_CANDIDATE_CHARS - len(text))
    assert candidate_untrusted(padded, "0", 0, OPEN) is not None
    refused(padded + "y")


@pytest.mark.parametrize(
    "text",
    [
        "candidate:1 1 udp",
        "hello",
        line(port="x"),
        line(component="one"),
        line(priority="high"),
        line(priority=0),
        line(priority=-1),
        line(priority=MAX_PRIORITY + 1),
        line(port="9" * 5000)[: MAX_CANDIDATE_CHARS + 11],
        line(kind="x" * 600),
        line() + " raddr 10.0.0.1 rport y",
        "candidate:\x00\x00",
    ],
)
def test_what_is_no_candidate_is_refused(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "224.0.0.251",
        "240.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
    ],
)
def test_addresses_that_no_peer_has_are_dropped(address: str) -> None:
    assert not address_allowed(address, STRICT)
    assert not address_allowed(address, OPEN)
    assert candidate_untrusted(line(address), "0", 0, OPEN) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1"])
def test_loopback_only_where_the_service_is_on_it(address: str) -> None:
    assert address_allowed(address, OPEN)
    assert not address_allowed(address, STRICT)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.2", "172.16.0.9", "fd12::1"])
def test_private_addresses_where_peers_share_the_network(address: str) -> None:
    assert address_allowed(address, STRICT)
    assert not address_allowed(address, PUBLIC_ONLY)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_public_addresses_always(address: str) -> None:
    assert address_allowed(address, PUBLIC_ONLY)


@given(st.text(max_size=80))
def test_any_text_is_a_candidate_dropped_or_refused(text: str) -> None:
    try:
        candidate_untrusted(text, None, None, STRICT)
    except SignallingRefused:
        pass


@given(st.ip_addresses())
def test_no_loopback_or_link_local_address_gets_through(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if address_allowed(str(address), STRICT):
        assert not (address.is_loopback or address.is_link_local or address.is_multicast)
