import ssl
from pathlib import Path

import pytest
from cryptography import x509

from emulator.certificate import Certificate, make_certificate


def names(path: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(name.value) for name in extension.value}


def shake_hands(made: Certificate, host: str) -> str | None:
    """The protocol that a strict client which trusts its file speaks with it."""
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
    return client_side.version()


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
    assert shake_hands(make_certificate(tmp_path), host) is not None


def test_every_start_makes_another(tmp_path: Path) -> None:
    first = make_certificate(tmp_path).path.read_bytes()
    assert make_certificate(tmp_path).path.read_bytes() != first


def test_one_that_is_kept_serves_again_and_its_key_is_for_nobody_else(tmp_path: Path) -> None:
    first = make_certificate(tmp_path, keep=True).path.read_bytes()
    second = make_certificate(tmp_path, ("another.host",), keep=True)
    assert second.path.read_bytes() == first
    assert {one.name for one in tmp_path.iterdir()} == {"ca.pem", "ca-and-key.pem"}
    assert (tmp_path / "ca-and-key.pem").stat().st_mode & 0o077 == 0
    assert shake_hands(second, "localhost") is not None


def test_half_of_what_was_kept_is_made_anew(tmp_path: Path) -> None:
    first = make_certificate(tmp_path, keep=True).path
    first.unlink()
    again = make_certificate(tmp_path, keep=True)
    assert shake_hands(again, "localhost") is not None


def test_what_was_kept_is_no_business_of_others(tmp_path: Path) -> None:
    first = make_certificate(tmp_path, keep=True).path.read_bytes()
    assert make_certificate(tmp_path).path.read_bytes() != first


def test_a_spoiled_certificate_is_refused(tmp_path: Path) -> None:
    make_certificate(tmp_path, keep=True)
    (tmp_path / "ca-and-key.pem").write_text("nonsense")
    with pytest.raises(OSError):
        make_certificate(tmp_path, keep=True)
