import pytest

from pipeline.errors import (
    ExportsBusy,
    ImageUnknown,
    PeerUnknown,
    RequestRefused,
    RoomUnknown,
    ServiceError,
    ServiceFull,
    TokenRefused,
)


@pytest.mark.parametrize(
    ("error", "status", "counter"),
    [
        (ServiceError("x"), 500, "service_error"),
        (RoomUnknown("x"), 404, "room_unknown"),
        (PeerUnknown("x"), 404, "peer_unknown"),
        (ImageUnknown("x"), 404, "image_unknown"),
        (TokenRefused("x"), 403, "token_refused"),
        (RequestRefused("x"), 400, "request_malformed"),
        (RequestRefused("x", counter="request_too_large", status=413), 413, "request_too_large"),
    ],
)
def test_what_will_not_change_is_final(error: ServiceError, status: int, counter: str) -> None:
    assert (error.status, error.counter, error.retry_after_s) == (status, counter, None)
    assert str(error) == "x"


@pytest.mark.parametrize(
    ("error", "counter"),
    [(ServiceFull("x"), "service_full"), (ExportsBusy("x"), "export_too_many")],
)
def test_who_finds_the_service_full_may_come_back(error: ServiceError, counter: str) -> None:
    assert (error.status, error.counter) == (503, counter)
    assert error.retry_after_s and error.retry_after_s > 0
