from typing import Any

import pytest

from pipeline.connectivity import (
    SAMPLING_STRETCH,
    browser_ice_servers,
    candidate_policy,
    on_loopback,
    peer_config,
    public_origin,
    sdp_limits,
)
from pipeline.service_settings import ServiceSettings
from pipeline.settings import load
from transports.aiortc_seam import IceBinding
from transports.peer_config import IceServer
from transports.sdp import SdpLimits

TURN = {
    "EASEL_TURN_URLS": "turn:turn.example.org:3478,turns:turn.example.org:5349?transport=tcp",
    "EASEL_TURN_USERNAME": "ada",
    "EASEL_TURN_CREDENTIAL": "secret",
}
STUN = {"EASEL_STUN_URLS": "stun:stun.example.org:3478"}


def service(**environment: str) -> ServiceSettings:
    return load(environment).service


def test_by_default_no_server_is_contacted_and_every_interface_is_used() -> None:
    config = peer_config(service(), pictures_per_s=1.0)
    assert config.binding == IceBinding((), None)
    assert config.ice_servers == []
    assert config.public_hosts == {}
    assert browser_ice_servers(service()) == ()


def test_addresses_and_ports_are_those_of_the_settings() -> None:
    given = service(
        EASEL_ICE_HOSTS="10.0.0.5=203.0.113.9,127.0.0.1",
        EASEL_ICE_PORTS="40000-40002",
        EASEL_CONNECT_TIMEOUT_S="7",
    )
    config = peer_config(given, pictures_per_s=1.0)
    assert config.binding.hosts == ("10.0.0.5", "127.0.0.1")
    assert list(config.binding.ports or ()) == [40000, 40001, 40002]
    assert config.public_hosts == {"10.0.0.5": "203.0.113.9"}
    assert config.connect_limit_s == 7.0


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_pictures_never_come_faster_than_asked(rate: float) -> None:
    interval_s = peer_config(service(), pictures_per_s=rate).picture_interval_s
    assert interval_s == SAMPLING_STRETCH / rate > 1 / rate


@pytest.mark.parametrize(
    ("hosts", "allowed"),
    [
        ("", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("10.0.0.5,127.0.0.2", True),
        ("10.0.0.5", False),
        ("10.0.0.5=203.0.113.9", False),
    ],
)
def test_loopback_is_for_services_on_loopback(hosts: str, allowed: bool) -> None:
    assert candidate_policy(service(EASEL_ICE_HOSTS=hosts)).allow_loopback is allowed


@pytest.mark.parametrize(
    ("environment", "alone"),
    [
        ({}, True),
        ({"EASEL_HOST": "127.0.0.9"}, True),
        ({"EASEL_HOST": "::1"}, True),
        ({"EASEL_HOST": "localhost"}, True),
        ({"EASEL_HOST": "0.0.0.0"}, False),
        ({"EASEL_HOST": "10.0.0.5"}, False),
        ({"EASEL_PUBLIC_URL": "https://example.org/easel"}, False),
    ],
)
def test_only_this_machine_reaches_a_service_on_loopback(
    environment: dict[str, str], alone: bool
) -> None:
    assert on_loopback(service(**environment)) is alone


def test_the_origin_of_the_page_is_that_of_the_public_address() -> None:
    assert public_origin(service()) is None
    behind = service(EASEL_PUBLIC_URL="https://example.org:8443/easel/")
    assert public_origin(behind) == "https://example.org:8443"


def test_offers_are_bounded_as_the_settings_say() -> None:
    given = service(EASEL_MAX_SDP_BYTES="2048", EASEL_MAX_M_LINES="3", EASEL_MAX_CANDIDATES="9")
    assert sdp_limits(given) == SdpLimits(2048, 3, 9)


@pytest.mark.parametrize(
    ("environment", "ours", "browsers"),
    [
        (
            STUN,
            [IceServer("stun:stun.example.org:3478")],
            ({"urls": ["stun:stun.example.org:3478"]},),
        ),
        (
            TURN,
            [
                IceServer("turn:turn.example.org:3478", "ada", "secret"),
                IceServer("turns:turn.example.org:5349?transport=tcp", "ada", "secret"),
            ],
            (
                {
                    "urls": [
                        "turn:turn.example.org:3478",
                        "turns:turn.example.org:5349?transport=tcp",
                    ],
                    "username": "ada",
                    "credential": "secret",
                },
            ),
        ),
    ],
)
def test_servers_are_told_to_us_and_to_browsers(
    environment: dict[str, str], ours: list[IceServer], browsers: tuple[dict[str, Any], ...]
) -> None:
    given = service(**environment)
    assert peer_config(given, pictures_per_s=1.0).ice_servers == ours
    assert browser_ice_servers(given) == browsers


def test_stun_needs_no_login_though_there_is_one() -> None:
    given = service(**STUN, **TURN)
    stun, turn = browser_ice_servers(given)
    assert "username" not in stun
    assert turn["username"] == "ada"
    first = peer_config(given, pictures_per_s=1.0).ice_servers[0]
    assert (first.username, first.credential) == (None, None)
