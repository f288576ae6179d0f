"""Whose fault it is, and what the answer needs to know."""

import pytest

from transports import errors


@pytest.mark.parametrize("kind", ["SignallingRefused", "MessageRefused", "PayloadRefused"])
def test_what_peers_do_wrong_can_be_caught_as_one(kind: str) -> None:
    assert issubclass(getattr(errors, kind), errors.PeerFault)


def test_our_own_faults_are_not_the_peers() -> None:
    assert not issubclass(errors.NoAddressLeft, errors.PeerFault)


def test_every_error_is_drawn_and_has_the_same_root() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(kinds) == 6
    for kind in kinds:
        assert issubclass(kind, errors.TransportError)
        assert kind.__name__ in (errors.__doc__ or "")


def test_a_signalling_refusal_carries_counter_and_status() -> None:
    refusal = errors.SignallingRefused("No.", counter="sdp_malformed")
    assert (str(refusal), refusal.counter, refusal.status) == ("No.", "sdp_malformed", 400)
    assert errors.SignallingRefused("No.", counter="x", status=413).status == 413


def test_a_message_refusal_carries_counter_and_the_id_to_answer() -> None:
    refusal = errors.MessageRefused("No.", counter="message_malformed")
    assert (str(refusal), refusal.counter, refusal.message_id) == ("No.", "message_malformed", None)
    assert errors.MessageRefused("No.", counter="x", message_id="7").message_id == "7"
