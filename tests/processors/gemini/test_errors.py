import pytest

from processors.errors import ProcessorError
from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    QuotaFault,
    TransientFault,
    fault,
)

OBSERVED = [
    (1007, "API key not valid. Please pass a valid API key.", ConfigurationFault),
    (
        1008,
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API c",
        ConfigurationFault,
    ),
    (
        1008,
        "models/X is not found for API version v1beta, or is not supported for "
        "bidiGenerateContent. Call ModelService",
        ConfigurationFault,
    ),
    (
        1007,
        "Invalid JSON payload received. Unknown name \"bogusField\" at 'setup': Cannot find field.",
        ConfigurationFault,
    ),
    (1007, "Request contains an invalid argument.", ContextFault),
    (1007, "Cannot extract voices from a non-audio request.", ConfigurationFault),
    (1007, "Precondition check failed.", ContextFault),
    (1008, "BidiGenerateContent session not found", ContextFault),
    (
        1008,
        "Connection aborted because the client failed to close the connection after receiving a "
        "GoAway signal once the session durat",
        TransientFault,
    ),
    (1008, "Operation is not implemented, or supported, or enabled.", TransientFault),
    (1007, "Text modality is not supported in the live api.", ConfigurationFault),
    (1008, "Publisher Model `projects/p/x` was not found", ConfigurationFault),
    (1008, "Request had invalid authentication credentials.", ConfigurationFault),
    (1011, "Resource exhausted, please try again later.", QuotaFault),
    (1011, "Internal error encountered.", TransientFault),
    (1011, "The service is currently unavailable.", TransientFault),
    (1011, "Deadline expired before operation could complete.", TransientFault),
    (1011, "RESOURCE_EXHAUSTED: Maximum concurrent se", QuotaFault),
    (1011, "You exceeded your current quota, please check your plan", QuotaFault),
    (1011, "keepalive ping timeout", TransientFault),
    (1007, "Words that nobody has seen yet", ContextFault),
    (1000, "", TransientFault),
    (1001, "going away", TransientFault),
    (1006, "", TransientFault),
    (403, "PERMISSION_DENIED", ConfigurationFault),
    (400, "", ConfigurationFault),
    (401, "", ConfigurationFault),
    (403, "", ConfigurationFault),
    (404, "", ConfigurationFault),
    (429, "", QuotaFault),
    (500, "", TransientFault),
    (503, "", TransientFault),
    (0, "TimeoutError", TransientFault),
]


@pytest.mark.parametrize(("code", "reason", "kind"), OBSERVED)
def test_each_close_is_somebodys_fault(code: int, reason: str, kind: type[GeminiError]) -> None:
    error = fault(code, reason)
    assert type(error) is kind
    assert (error.code, error.reason) == (code, reason)
    assert isinstance(error, ProcessorError)


def test_reasons_count_before_codes_and_case_does_not() -> None:
    assert isinstance(fault(1011, "API KEY NOT VALID"), ConfigurationFault)
    assert isinstance(fault(429, "Permission denied"), ConfigurationFault)


def test_a_reason_may_be_cut_off() -> None:
    for _, reason, kind in OBSERVED[:13]:
        assert type(fault(1008 if kind is not ContextFault else 1007, reason[:60])) is kind


@pytest.mark.parametrize("kind", [ContextFault, QuotaFault, TransientFault])
def test_people_are_told_what_goes_on(kind: type[GeminiError]) -> None:
    assert kind(1011, "internal words").sentence.endswith((".",))
    assert "internal words" not in kind(1011, "internal words").sentence


def test_a_refused_configuration_is_told_with_the_reason() -> None:
    assert fault(1007, "API key not valid.").sentence == (
        "Gemini refuses this configuration: API key not valid."
    )
    assert fault(403, "").sentence == "Gemini refuses this configuration: 403"


def test_errors_say_code_and_reason() -> None:
    assert str(fault(1011, "Internal error encountered.")) == "1011 Internal error encountered."


@pytest.mark.parametrize(
    ("code", "by_server"), [(0, False), (503, False), (1000, True), (1006, False), (1011, True)]
)
def test_who_ended_it(code: int, by_server: bool) -> None:
    assert fault(code, "").by_server is by_server
