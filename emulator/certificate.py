"""The emulator's self-signed certificate, made anew at every start unless it is to be kept.

The SDK forces TLS for Live, so a local server needs a certificate that a client can be told to
trust: the written file is what `SSL_CERT_FILE` names. The private key never outlives the start,
except where it is asked for, so that clients trust the emulator that follows this one.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CERTIFICATE_NAME = "ca.pem"
KEPT_NAME = "ca-and-key.pem"
LIFETIME_DAYS = 30
# A client whose clock lags a little must not find the certificate "not yet valid".
BACKDATE_HOURS = 1


@dataclass(frozen=True)
class Certificate:
    """Where the public part lies, and a server context that holds both parts."""

    path: Path
    context: ssl.SSLContext


def make_certificate(
    directory: Path, hosts: tuple[str, ...] = (), *, keep: bool = False
) -> Certificate:
    """Write `ca.pem` into `directory` (created if missing) and return a server context.

    The certificate is its own authority and names `localhost`, `127.0.0.1`, `::1` and `hosts`.
    `keep`: one that was kept in the directory is used again, whatever it names; a new one is kept
    there with its key, for its owner's eyes only.

    Raises:
        OSError: the directory cannot be written, or what was kept is no certificate (the
            caller's fault).
    """
    directory.mkdir(parents=True, exist_ok=True)
    path, kept = directory / CERTIFICATE_NAME, directory / KEPT_NAME
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if keep and kept.exists() and path.exists():
        context.load_cert_chain(kept)
        return Certificate(path=path.absolute(), context=context)
    public, private = _new_pair(hosts)
    path.write_bytes(public)
    # `ssl` loads keys from files only; this one is readable by its owner and gone at once.
    with tempfile.NamedTemporaryFile(suffix=".pem", dir=directory if keep else None) as both:
        both.write(public + private)
        both.flush()
        context.load_cert_chain(both.name)
        if keep:
            kept.unlink(missing_ok=True)
            os.link(both.name, kept)
    return Certificate(path=path.absolute(), context=context)


def _new_pair(hosts: tuple[str, ...]) -> tuple[bytes, bytes]:
    """The certificate and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, ("localhost", "127.0.0.1", "::1", *hosts))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def _self_signed(key: ec.EllipticCurvePrivateKey, hosts: tuple[str, ...]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Easel Gemini emulator")])
    now = datetime.datetime.now(datetime.UTC)
    public = key.public_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    # Python 3.13 verifies strictly (VERIFY_X509_STRICT): key identifiers and usage are required.
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=BACKDATE_HOURS))
        .not_valid_after(now + datetime.timedelta(days=LIFETIME_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(hosts)), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general_names(hosts: tuple[str, ...]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in dict.fromkeys(hosts):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names
