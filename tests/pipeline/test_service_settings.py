"""Service settings: addresses, ports, pairs that belong together, and masked secrets."""

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.service_settings import IceHost, PortRange, ServiceSettings
from processors.gemini.refusals import refusals


def settings_of(**given: Any) -> ServiceSettings:
    return ServiceSettings.model_validate(given)


def refused(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        settings_of(**given)
    return refusals(caught.value, ServiceSettings, {})[0].sentence


def test_defaults() -> None:
    settings = ServiceSettings()
    assert (settings.host, settings.port, settings.gemini) == ("127.0.0.1", 7860, "auto")
    assert (settings.stun_urls, settings.turn_urls, settings.ice_hosts) == ((), (), ())
    assert settings.emulator_port == 0


@pytest.mark.parametrize(
    ("field", "default", "low", "high"),
    [
        ("max_rooms", 100, 1, 100_000),
        ("max_peers_per_room", 20, 1, 1000),
        ("max_upload_bytes", 8_388_608, 1024, 67_108_864),
        ("max_sdp_bytes", 65_536, 1024, 1_048_576),
        ("max_m_lines", 8, 1, 64),
        ("max_candidates", 64, 1, 1024),
        ("max_data_channel_message_bytes", 262_144, 16_384, 524_288),
        ("connect_timeout_s", 15, 1, 120),
        ("idle_timeout_s", 60, 0, 86_400),
        ("port", 7860, 0, 65_535),
        ("emulator_port", 0, 0, 65_535),
    ],
)
def test_limits(field: str, default: int, low: int, high: int) -> None:
    assert getattr(ServiceSettings(), field) == default
    for value in (low, high):
        assert getattr(settings_of(**{field: value}), field) == value
    assert refused(**{field: low - 1}).endswith(f" must be at least {low}.")
    assert refused(**{field: high + 1}).endswith(f" must be at most {high}.")


def test_the_end_comes_before_the_limit() -> None:
    assert ServiceSettings().shutdown_s == 8
    assert settings_of(shutdown_s=0).shutdown_s == 0
    assert refused(shutdown_s=-1) == "shutdownS must be at least 0."


@pytest.mark.parametrize(
    ("field", "entry", "most"),
    [
        ("allowed_origins", "*", 100),
        ("ice_hosts", "127.0.0.1", 32),
        ("stun_urls", "stun:a", 8),
        ("turn_urls", "turn:a", 8),
    ],
)
def test_lengths_of_lists(field: str, entry: str, most: int) -> None:
    with_user = {"turn_username": "u", "turn_credential": "c"} if field == "turn_urls" else {}
    assert settings_of(**with_user, **{field: [entry] * most})
    sentence = refused(**with_user, **{field: [entry] * (most + 1)})
    assert sentence.endswith(f"must have at most {most} entries.")


@pytest.mark.parametrize("field", ["host", "tls_cert", "tls_key"])
def test_paths_and_hosts_are_not_empty(field: str) -> None:
    assert refused(**{field: ""}).endswith(" must not be empty.")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("10.0.0.5", IceHost("10.0.0.5")),
        ("10.0.0.5=203.0.113.7", IceHost("10.0.0.5", "203.0.113.7")),
        (" ::1 = 2001:db8::1 ", IceHost("::1", "2001:db8::1")),
        (IceHost("10.0.0.5"), IceHost("10.0.0.5")),
    ],
)
def test_ice_hosts(text: object, host: IceHost) -> None:
    assert settings_of(ice_hosts=[text]).ice_hosts == (host,)


@pytest.mark.parametrize("text", ["", "example.org", "10.0.0.5=", "=10.0.0.5", "1=2=3", 5])
def test_no_ice_hosts(text: object) -> None:
    assert refused(ice_hosts=[text]) == (
        "iceHosts[0] must be an IP address or two of them as bind=public."
    )


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("40000-40100", PortRange(40_000, 40_100)),
        (" 1 - 65535 ", PortRange(1, 65_535)),
        ("5000-5000", PortRange(5000, 5000)),
        (PortRange(1, 2), PortRange(1, 2)),
    ],
)
def test_port_ranges(text: object, ports: PortRange) -> None:
    assert settings_of(ice_ports=text).ice_ports == ports


@pytest.mark.parametrize("text", ["", "5", "5-", "0-5", "6-5", "1-65536", "a-b", "1-999999", 7])
def test_no_port_ranges(text: object) -> None:
    assert refused(ice_ports=text) == "icePorts must be a range of ports such as 40000-40100."


def test_stun_and_turn_servers() -> None:
    settings = settings_of(
        stun_urls=["stun:stun.example.org", "stuns:[2001:db8::1]:5349"],
        turn_urls=["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org"],
        turn_username="u",
        turn_credential="hush",
    )
    assert settings.turn_credential is not None
    assert settings.turn_credential.get_secret_value() == "hush"
    assert refused(stun_urls=["turn:a"]).startswith("stunUrls[0] must be an address such as stun:")
    assert refused(stun_urls=["stun:a b"]).startswith(
        "stunUrls[0] must be an address such as stun:"
    )
    for url in ("stun:a", "turn:", "turn:user@host", "turn:a?transport=tls"):
        assert refused(turn_urls=[url]).startswith("turnUrls[0] must be an address such as turn:")


@pytest.mark.parametrize(
    "given",
    [
        {"turn_urls": ["turn:a"]},
        {"turn_credential": "c"},
        {"turn_username": "u", "turn_credential": "c"},
        {"turn_urls": ["turn:a"], "turn_credential": "c"},
    ],
)
def test_turn_servers_need_user_and_password(given: dict[str, object]) -> None:
    assert refused(**given) == (
        "turnCredential must be given together with turnUrls and turnUsername."
    )


def test_secrets_are_masked() -> None:
    settings = settings_of(turn_urls=["turn:a"], turn_username="somebody", turn_credential="hush")
    for text in (repr(settings), str(settings), str(settings.model_dump())):
        assert "hush" not in text
        assert "somebody" not in text


@pytest.mark.parametrize("name", ["global", "us-central1", "europe-west4", "eu"])
def test_locations(name: str) -> None:
    assert settings_of(vertex_image_location=name).vertex_image_location == name


@pytest.mark.parametrize("name", ["", "Global", "us central1", "-x", "us/x", "x" * 50])
def test_no_locations(name: str) -> None:
    sentence = "vertexImageLocation must be a location of Google Cloud such as global."
    assert refused(vertex_image_location=name) == sentence


def test_a_certificate_needs_its_key() -> None:
    settings = settings_of(tls_cert="c.pem", tls_key="k.pem")
    assert (settings.tls_cert, settings.tls_key) == ("c.pem", "k.pem")
    for given in ({"tls_cert": "c.pem"}, {"tls_key": "k.pem"}):
        assert refused(**given) == "tlsKey and tlsCert must be given together."


def test_public_url() -> None:
    assert settings_of(public_url="https://e.org/easel/").public_url == "https://e.org/easel"
    for url in (
        "e.org",
        "ftp://e.org",
        "https://",
        "https://u:p@e.org",
        "https://e.org?a",
        "https://e.org#a",
        "https://e.org:0",
        "https://e.org:x",
        "http://[::1",
    ):
        assert refused(public_url=url) == (
            "publicUrl must be an address such as https://easel.example.org."
        )


def test_origins() -> None:
    origins = ("https://e.org", "http://127.0.0.1:8000", "*")
    assert settings_of(allowed_origins=origins).allowed_origins == origins
    for origin in ("e.org", "https://e.org/", "https://e.org/a", "https://u@e.org", "null"):
        assert refused(allowed_origins=[origin]) == (
            "allowedOrigins[0] must be an origin such as https://example.org, or *."
        )


def test_tools_module() -> None:
    assert settings_of(tools_module="my.tools").tools_module == "my.tools"
    for name in ("my/tools.py", "", ".tools", "1st"):
        assert refused(tools_module=name) == (
            "toolsModule must be the dotted name of a Python module."
        )


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("host", "h" * 254, "host must have at most 253 characters."),
        ("shutdown_s", 10, "shutdownS must be less than 10."),
        ("max_rooms", 0, "maxRooms must be at least 1."),
        ("gemini", "openai", "gemini must be 'auto', 'api' or 'emulator'."),
        ("log_level", "loud", "logLevel must be 'debug', 'info', 'warning' or 'error'."),
        ("log_format", "xml", "logFormat must be 'text' or 'json'."),
    ],
)
def test_refused(field: str, value: object, sentence: str) -> None:
    assert refused(**{field: value}) == sentence


def test_a_bucket_goes_with_s3_and_a_signing_key_is_long() -> None:
    assert settings_of(storage="s3", s3_bucket="pictures").s3_bucket == "pictures"
    assert "s3Bucket" in refused(storage="s3")
    assert "s3Bucket" in refused(s3_bucket="pictures")
    key = settings_of(signing_key="k" * 16).signing_key
    assert key is not None
    assert key.get_secret_value() == "k" * 16
    assert settings_of(signing_key=None).signing_key is None
    assert "at least 16" in refused(signing_key="short")
