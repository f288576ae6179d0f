import ssl
from pathlib import Path

import pytest
from cryptography import x509

from emulator.certificate import make_certificate


def names(path: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(name.value) for name in extension.value}


def test_the_certificate_names_loopback_and_more(tmp_path: Path) -> None:
    made = make_certificate(tmp_path / "new" / "folder", ("10.1.2.3", "localhost", "host.test"))
    assert made.path == (tmp_path / "new" / "folder" / "ca.pem").absolute()
    assert names(made.path) == {"localhost", "127.0.0.1", "::1", "10.1.2.3", "host.test"}


def test_the_folder_holds_no_private_key(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["ca.pem"]
    assert b"PRIVATE" not in (tmp_path / "ca.pem").read_bytes()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_strict_client_trusts_it(tmp_path: Path, host: str) -> None:
    made = make_certificate(tmp_path)
    client = ssl.create_default_context(cafile=str(made.path))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = made.context.wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname=host)
    for _ in range(4):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client_side.version() is not None


def test_every_start_makes_another(tmp_path: Path) -> None:
    first = make_certificate(tmp_path).path.read_bytes()
    assert make_certificate(tmp_path).path.read_bytes() != first
