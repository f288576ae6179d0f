from emulator.closes import (
    GO_AWAY_IGNORED,
    MAX_REASON_BYTES,
    NAMED,
    NO_CREDENTIAL,
    Close,
    unknown_field,
    unknown_model,
)


def test_reasons_are_cut_to_what_a_control_frame_holds() -> None:
    assert len(Close(1008, "x" * 500).reason) == MAX_REASON_BYTES
    # Two bytes each: the 62nd does not fit whole and must not be torn.
    assert Close(1008, "é" * 100).reason == "é" * 61


def test_reasons_are_those_of_the_real_service() -> None:
    assert NO_CREDENTIAL.reason == (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API c"
    )
    assert GO_AWAY_IGNORED.reason == (
        "Connection aborted because the client failed to close the connection after receiving "
        "a GoAway signal once the session durat"
    )
    assert unknown_model("models/X", "v1beta").reason.startswith(
        "models/X is not found for API version v1beta, or is not supported for "
        "bidiGenerateContent. Call ModelService"
    )


def test_unknown_fields_name_their_place() -> None:
    assert unknown_field("bogusField", "setup").reason == (
        "Invalid JSON payload received. Unknown name \"bogusField\" at 'setup': Cannot find field."
    )
    assert unknown_field("bogus", "").reason == (
        'Invalid JSON payload received. Unknown name "bogus": Cannot find field.'
    )


def test_every_named_close_is_a_failure() -> None:
    assert {close.code for close in NAMED.values()} == {1007, 1008, 1011}
