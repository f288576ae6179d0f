"""What the doctor sees of a machine."""

import importlib.metadata
import resource
import socket
from pathlib import Path

import pytest

from pipeline.doctor.checks import CHECKS, INSTALLATION, Verdict
from pipeline.doctor.installation import PINS, examine_installation
from pipeline.service_settings import ServiceSettings
from tests.pipeline.own_certificate import write_certificate

OK, DIFFERS, SKIPPED = Verdict.OK, Verdict.DIFFERS, Verdict.SKIPPED


def examined(
    pins: Path | None = None, soft: int = 9999, **settings: object
) -> dict[str, tuple[Verdict, str]]:
    service = ServiceSettings.model_validate({"port": 0, **settings})
    findings = examine_installation(
        service, pins=PINS if pins is None else pins, limits=lambda kind: (soft, 99_999)
    )
    return {found.check.name: (found.verdict, found.seen) for found in findings}


def test_this_installation_is_well() -> None:
    found = examined()
    expected = {name for name, check in CHECKS.items() if check.topic == INSTALLATION}
    assert found.keys() == expected - {"settings"}
    assert found.pop("certificate")[0] is SKIPPED
    assert found.pop("emulator")[0] in (OK, SKIPPED), "no ears on the newest Python"
    assert {verdict for verdict, _ in found.values()} == {OK}


def test_another_version_than_the_pinned_one(tmp_path: Path) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("# comment\nwebsockets==1.0\nnothing-of-ours==3\n")
    version = importlib.metadata.version("websockets")
    assert examined(pins)["packages"] == (DIFFERS, f"websockets {version}, pinned 1.0")
    assert examined(tmp_path / "none.txt")["packages"][0] is SKIPPED


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        verdict, seen = examined(port=port)["port"]
    assert (verdict, seen) == (DIFFERS, f"127.0.0.1, port {port}: Address already in use")
    assert examined(port=port)["port"] == (OK, f"127.0.0.1, port {port}")
    assert examined(port=port, host="no.such.host.invalid")["port"][0] is DIFFERS


def test_certificates(tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    certificate, key = str(files.certificate), str(files.key)
    assert examined(tls_cert=certificate, tls_key=key)["certificate"] == (OK, "loaded")
    verdict, seen = examined(tls_cert=key, tls_key=key)["certificate"]
    assert (verdict, bool(seen)) == (DIFFERS, True)
    assert examined(tls_cert="none", tls_key="none")["certificate"][0] is DIFFERS


def test_addresses_and_ports_for_media() -> None:
    good = examined(ice_hosts=["127.0.0.1"])
    assert good["media addresses"] == (OK, "1 can be bound")
    bad = examined(ice_hosts=["127.0.0.1", "192.0.2.1"])["media addresses"]
    assert bad == (DIFFERS, "192.0.2.1: Cannot assign requested address")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        busy = examined(ice_hosts=["127.0.0.1"], ice_ports=f"{port}-{port}")["media ports"]
    assert busy == (DIFFERS, "0 of 1 are free")
    assert examined(ice_ports=f"{port}-{port}")["media ports"] == (OK, "1 of 1 are free")


@pytest.mark.parametrize(
    ("soft", "verdict", "seen"),
    [
        (1024, DIFFERS, "1,024 (ulimit -n, at most 99,999)"),
        (4096, OK, "4,096 (ulimit -n, at most 99,999)"),
        (resource.RLIM_INFINITY, OK, "no limit"),
    ],
)
def test_open_files(soft: int, verdict: Verdict, seen: str) -> None:
    assert examined(soft=soft)["open files"] == (verdict, seen)
