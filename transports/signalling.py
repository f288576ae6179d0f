"""The bodies of the signalling requests, as pipecat's client SDKs send them. Pure.

Every function takes what a stranger sent and raises `SignallingRefused` only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from transports.errors import SignallingRefused
from transports.ice import CandidatePolicy, IceCandidate, candidate_untrusted
from transports.sdp import SdpLimits, offer_untrusted

MAX_TEXT_CHARS: Final = 256


@dataclass(frozen=True, slots=True)
class Offer:
    """`pc_id` is None on the first offer; `restart`: in place of the connection it names.

    An empty `pc_id` is none. `room` are overrides of the settings, for the protocol that has no
    start.
    """

    sdp: str
    pc_id: str | None
    restart: bool
    token: str | None
    room: object = None


@dataclass(frozen=True, slots=True)
class Candidates:
    pc_id: str
    candidates: tuple[IceCandidate, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """`pc_id` is "" of one that had none yet. `fingerprint` names the connection that it leaves,
    of those there may have been under that id, by its certificate, as its SDP does."""

    pc_id: str
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Start:
    """`room` are the overrides of the room's settings, as they came; `peer` is who comes back."""

    session_id: str | None
    token: str | None
    peer: str | None
    room: object
    default_ice_servers: bool


def start_untrusted(body: object) -> Start:
    """`POST /start`. The app's own data is in `body`, or beside it for bare clients."""
    outer = _optional_object(body, "The request body")
    inner = _optional_object(outer["body"], "body") if "body" in outer else outer
    return Start(
        session_id=_optional_text(inner, "sessionId"),
        token=_optional_text(inner, "token"),
        peer=_optional_text(inner, "peer") or None,
        room=inner.get("room"),
        default_ice_servers=outer.get("enableDefaultIceServers") is True,
    )


def decode_offer_untrusted(body: object, limits: SdpLimits, policy: CandidatePolicy) -> Offer:
    """`POST …/api/offer`: web and React Native spell `requestData`, Android `request_data`."""
    fields = _object(body, "The request body")
    if fields.get("type") != "offer":
        raise _malformed("type must be offer.")
    sdp = fields.get("sdp")
    if not isinstance(sdp, str):
        raise _malformed("sdp must be a string.")
    data = fields.get("requestData", fields.get("request_data"))
    wishes = _optional_object(data, "requestData")
    return Offer(
        sdp=offer_untrusted(sdp, limits, policy),
        pc_id=_optional_text(fields, "pc_id") or None,
        restart=fields.get("restart_pc") is True,
        token=_optional_text(wishes, "token"),
        room=wishes.get("room"),
    )


def decode_candidates_untrusted(
    body: object, limits: SdpLimits, policy: CandidatePolicy
) -> Candidates:
    """`PATCH …/api/offer`; `sdp_mid` may be null (Android's is)."""
    fields = _object(body, "The request body")
    pc_id = _optional_text(fields, "pc_id")
    listed = fields.get("candidates")
    if pc_id is None or not isinstance(listed, list):
        raise _malformed("pc_id and a list of candidates are needed.")
    if len(listed) > limits.max_candidates:
        raise SignallingRefused(
            f"More than {limits.max_candidates} candidates.",
            counter="candidates_too_many",
            status=413,
        )
    found = (_candidate(entry, policy) for entry in listed)
    return Candidates(pc_id, tuple(c for c in found if c is not None))


def decode_leave_untrusted(body: object) -> Leave:
    """`DELETE …/api/offer`."""
    fields = _object(body, "The request body")
    return Leave(
        _optional_text(fields, "pc_id") or "", _optional_text(fields, "fingerprint") or None
    )


def _candidate(entry: object, policy: CandidatePolicy) -> IceCandidate | None:
    fields = _object(entry, "A candidate")
    line, index = fields.get("candidate"), fields.get("sdp_mline_index")
    mid = _optional_text(fields, "sdp_mid")
    if not isinstance(line, str):
        raise _malformed("A candidate has no candidate line.")
    if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
        raise _malformed("sdp_mline_index must be a number or null.")
    if mid is None and index is None:
        index = 0  # one bundle: any section's transport is the only one
    return candidate_untrusted(line, mid, index, policy)


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _malformed(f"{name} must be a JSON object.")
    return value


def _optional_object(value: object, name: str) -> Mapping[str, Any]:
    return {} if value is None else _object(value, name)


def _optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    # JSON can spell half a surrogate pair, which no later encoder takes.
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS or not _is_unicode(value):
        raise _malformed(f"{name} must be a short string.")
    return value


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _malformed(sentence: str) -> SignallingRefused:
    return SignallingRefused(sentence, counter="request_malformed")
