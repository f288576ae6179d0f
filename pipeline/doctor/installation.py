"""What the installation and the machine are like: looks, and judges at once."""

import importlib.metadata
import importlib.util
import re
import resource
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pipeline.service_settings import PortRange, ServiceSettings

from .checks import Finding, Verdict, finding, judged

LEAST_PYTHON: Final = (3, 11)
LEAST_FILES: Final = 4096
PINS: Final = Path(__file__).resolve().parents[2] / "constraints.txt"
EMULATOR: Final = ("cryptography", "espeakng_loader", "pocketsphinx", "yaml")
_PIN: Final = re.compile(r"([a-z0-9-]+)==([0-9a-z.]+)")


def examine_installation(
    service: ServiceSettings,
    *,
    pins: Path = PINS,
    limits: Callable[[int], tuple[int, int]] = resource.getrlimit,
) -> Iterator[Finding]:
    """A finding for each check of the installation but "settings"."""
    yield _python()
    yield _packages(pins)
    yield _port(service)
    yield _certificate(service)
    yield _addresses(service)
    yield _ports(service)
    yield _files(limits)
    yield _emulator()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return judged("python", sys.version_info[:2] >= LEAST_PYTHON, version)


def _packages(pins: Path) -> Finding:
    """Of what the service imports itself; constraints.txt lies beside a checkout only."""
    try:
        pinned = dict(_PIN.findall(pins.read_text(encoding="utf-8")))
    except OSError:
        return finding("packages", Verdict.SKIPPED, "no constraints.txt beside this installation")
    names = [name for name in _required() if name in pinned]
    found = {name: _version(name) for name in names}
    wrong = [
        f"{name} {found[name] or 'is missing'}, pinned {pinned[name]}"
        for name in names
        if found[name] != pinned[name]
    ]
    seen = "; ".join(wrong) or f"{len(names)} packages as pinned"
    return judged("packages", not wrong, seen)


def _required() -> list[str]:
    lines = importlib.metadata.requires("easel") or []
    return [re.split(r"[^\w-]", line)[0].lower() for line in lines if "extra ==" not in line]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _port(service: ServiceSettings) -> Finding:
    where = f"{service.host}, port {service.port}"
    if service.port == 0:
        return judged("port", True, "any free one")
    why = _refused_binding(service.host, service.port, socket.SOCK_STREAM)
    return judged("port", not why, f"{where}: {why}" if why else where)


def _certificate(service: ServiceSettings) -> Finding:
    if service.tls_cert is None:
        seen = "none: browsers give a microphone to localhost and to HTTPS only"
        return finding("certificate", Verdict.SKIPPED, seen)
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(service.tls_cert, service.tls_key, password="")
    except (OSError, ValueError) as error:
        return judged("certificate", False, str(error))
    return judged("certificate", True, "loaded")


def _addresses(service: ServiceSettings) -> Finding:
    binds = [host.bind for host in service.ice_hosts]
    if not binds:
        return judged("media addresses", True, "every interface, and 127.0.0.1")
    wrong = [
        f"{bind}: {why}" for bind in binds if (why := _refused_binding(bind, 0, socket.SOCK_DGRAM))
    ]
    return judged("media addresses", not wrong, "; ".join(wrong) or f"{len(binds)} can be bound")


def _ports(service: ServiceSettings) -> Finding:
    ports = service.ice_ports
    if not isinstance(ports, PortRange):
        return judged("media ports", True, "any")
    bind = service.ice_hosts[0].bind if service.ice_hosts else "127.0.0.1"
    numbers = range(ports.first, ports.last + 1)
    free = sum(1 for number in numbers if not _refused_binding(bind, number, socket.SOCK_DGRAM))
    return judged("media ports", free > 0, f"{free} of {len(numbers)} are free")


def _refused_binding(host: str, port: int, kind: socket.SocketKind) -> str:
    """Why the address cannot be bound, empty when it can."""
    try:
        found = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
        family, _, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            if kind is socket.SOCK_STREAM:  # as a server would
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _files(limits: Callable[[int], tuple[int, int]]) -> Finding:
    soft, hard = limits(resource.RLIMIT_NOFILE)
    unlimited = soft == resource.RLIM_INFINITY
    seen = "no limit" if unlimited else f"{soft:,} (ulimit -n, at most {hard:,})"
    return judged("open files", unlimited or soft >= LEAST_FILES, seen)


def _emulator() -> Finding:
    missing = [name for name in EMULATOR if importlib.util.find_spec(name) is None]
    if missing:
        return finding("emulator", Verdict.SKIPPED, f"not installed: {', '.join(missing)}")
    return judged("emulator", True, "it speaks and hears")
