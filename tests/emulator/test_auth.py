import pytest

from emulator.auth import Credential, credential_refusal, read_credential_untrusted
from emulator.closes import INVALID_KEY, NO_CREDENTIAL, Close

TOKEN = "auth_tokens/abc"


@pytest.mark.parametrize(
    ("headers", "query", "credential"),
    [
        ({"x-goog-api-key": "k"}, {}, Credential(key="k")),
        ({}, {"key": "k"}, Credential(key="k")),
        ({}, {"access_token": TOKEN}, Credential(token=TOKEN)),
        ({"authorization": f"Token {TOKEN}"}, {}, Credential(token=TOKEN)),
        # What the Python SDK really sends with an ephemeral token.
        (
            {"authorization": f"Token {TOKEN}", "x-goog-api-key": TOKEN},
            {},
            Credential(token=TOKEN),
        ),
        ({"x-goog-api-key": TOKEN}, {}, Credential(token=TOKEN)),
        ({"authorization": "bearer  ya29.x "}, {}, Credential(bearer="ya29.x")),
        ({"authorization": f"Bearer {TOKEN}"}, {}, Credential(token=TOKEN)),
        ({"authorization": "Basic x"}, {}, Credential()),
        ({}, {}, Credential()),
    ],
)
def test_every_form_is_read(
    headers: dict[str, str], query: dict[str, str], credential: Credential
) -> None:
    assert read_credential_untrusted(headers, query) == credential


@pytest.mark.parametrize(
    ("credential", "keys", "close"),
    [
        (Credential(), frozenset(), NO_CREDENTIAL),
        (Credential(key="anything"), frozenset(), None),
        (Credential(key="invalid-key"), frozenset(), INVALID_KEY),
        (Credential(key="k"), frozenset({"k"}), None),
        (Credential(key="other"), frozenset({"k"}), INVALID_KEY),
        (Credential(bearer="b"), frozenset({"k"}), None),
        (Credential(token=TOKEN), frozenset({"k"}), None),
    ],
)
def test_keys_are_judged(credential: Credential, keys: frozenset[str], close: Close | None) -> None:
    assert credential_refusal(credential, keys) == close


def test_credentials_are_not_shown() -> None:
    shown = repr(Credential(key="secret", bearer="hidden"))
    assert shown == "Credential(key, bearer)"
