"""What the service itself refuses.

ServiceError              `status` and a sentence for the caller, `counter` for the metrics
├── RoomUnknown           404: no such room, or it has ended
├── PeerUnknown           404: no such connection, or it has ended
├── ImageUnknown          404: no such image in this room
├── TokenRefused          403: a token that is not this room's
├── StoreAway             503 with Retry-After: where images are kept does not answer
├── ExportsBusy           503 with Retry-After: so many stories are being fetched
├── ServiceFull           503 with Retry-After: rooms or peers at their limit, or shutting down
└── RequestRefused        4xx: a body that is malformed or too large
"""

from typing import Final

NO_SUCH_PEER: Final = "There is no such connection, or it has ended: offer again without pc_id."


class ServiceError(Exception):
    status = 500
    counter = "service_error"
    retry_after_s: int | None = None


class RoomUnknown(ServiceError):
    status = 404
    counter = "room_unknown"


class PeerUnknown(ServiceError):
    status = 404
    counter = "peer_unknown"


class ImageUnknown(ServiceError):
    status = 404
    counter = "image_unknown"


class TokenRefused(ServiceError):
    status = 403
    counter = "token_refused"


class StoreAway(ServiceError):
    status = 503
    counter = "image_store_failed"
    retry_after_s = 5


class ExportsBusy(ServiceError):
    status = 503
    counter = "export_too_many"
    retry_after_s = 5


class ServiceFull(ServiceError):
    status = 503
    counter = "service_full"
    retry_after_s = 5


class RequestRefused(ServiceError):
    def __init__(self, sentence: str, *, counter: str = "request_malformed", status: int = 400):
        super().__init__(sentence)
        self.counter = counter
        self.status = status
