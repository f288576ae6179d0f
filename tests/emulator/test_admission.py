import json

import pytest

from emulator.admission import Door, Refused, door_of_untrusted
from emulator.auth import Credential
from emulator.closes import (
    INVALID_ARGUMENT,
    INVALID_KEY,
    NO_CREDENTIAL,
    QUOTA,
    SESSION_NOT_FOUND,
    STILL_OPEN,
    TOO_MANY_SESSIONS,
    Close,
    unknown_field,
)
from emulator.faults import Kind, parse_fault
from emulator.json_types import JSON, JsonObject
from emulator.live_setup import Backend
from emulator.options import Options
from tests.emulator.live_driver import MLDEV, VERTEX, World

KEY = Credential(key="k")
SETUP: JsonObject = {"model": "models/gemini-3.8-live"}
SERVICE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


@pytest.mark.parametrize(
    ("path", "door"),
    [
        (SERVICE, MLDEV),
        ("/" + SERVICE, MLDEV),
        ("/any/prefix//" + SERVICE, MLDEV),
        (SERVICE + "Constrained", Door(Backend.MLDEV, "v1beta", constrained=True)),
        (SERVICE.replace("v1beta", "v1alpha"), Door(Backend.MLDEV, "v1alpha")),
        ("/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent", VERTEX),
        ("/ws/google.cloud.aiplatform.v1beta1.LlmBidiService//BidiGenerateContent", VERTEX),
        ("/my/gateway", Door(Backend.VERTEX, "v1beta1", gateway=True)),
        (SERVICE + "X", None),
        ("/ws/google.ai.generativelanguage.v1beta.GenerativeService.Other", None),
    ],
)
def test_paths_lead_to_doors(path: str, door: Door | None) -> None:
    assert door_of_untrusted(path) == door


def refused(
    body: JSON,
    credential: Credential = KEY,
    door: Door = MLDEV,
    world: World | None = None,
) -> Close:
    keeper = (world or World()).keeper
    with pytest.raises(Refused) as caught:
        keeper.admit_untrusted(door, credential, json.dumps(body), 0.0, 0.0)
    return caught.value.close


@pytest.mark.parametrize(
    ("body", "credential", "close"),
    [
        ({"setup": SETUP}, Credential(key="invalid"), INVALID_KEY),
        ({"setup": SETUP}, Credential(), NO_CREDENTIAL),
        ({"realtimeInput": {"text": "hi"}}, KEY, INVALID_ARGUMENT),
        ({"realtimeInput": {}}, KEY, INVALID_ARGUMENT),
        ({"setup": {"bogusField": 1}}, KEY, unknown_field("bogusField", "setup")),
        ({"setup": {**SETUP, "sessionResumption": {"handle": "x"}}}, KEY, SESSION_NOT_FOUND),
        ({"setup": SETUP}, Credential(token="auth_tokens/x"), NO_CREDENTIAL),
        # The credential is judged before the message is read.
        (5, Credential(), NO_CREDENTIAL),
    ],
)
def test_who_is_refused(body: JSON, credential: Credential, close: Close) -> None:
    assert refused(body, credential) == close


def test_an_unknown_model_is_refused() -> None:
    close = refused({"setup": {"model": "models/gemini-9"}})
    assert (close.code, close.reason[:25]) == (1008, "models/gemini-9 is not fo")


def test_a_gateway_brings_credentials_of_its_own() -> None:
    gateway = Door(Backend.VERTEX, "v1beta1", gateway=True)
    frame = json.dumps({"setup": {"model": "gemini-3.8-live"}})
    admission = World().keeper.admit_untrusted(gateway, Credential(), frame, 0.0, 0.0)
    assert admission.profile.name == "3.8"
    assert refused({"setup": SETUP}, Credential(key="invalid"), gateway) == INVALID_KEY


def test_an_ephemeral_token_opens_the_constrained_door() -> None:
    world = World()
    locked: JsonObject = {"bidiGenerateContentSetup": SETUP}
    token = Credential(token=world.tokens.create_untrusted(locked, 0.0))
    door = Door(Backend.MLDEV, "v1alpha", constrained=True)
    frame = json.dumps({"setup": {"model": "models/ignored"}})
    admission = world.keeper.admit_untrusted(door, token, frame, 0.0, 0.0)
    assert admission.setup.model_id == "gemini-3.8-live"
    assert admission.received == {"model": "models/ignored"}
    assert refused({"setup": SETUP}, token, door, world) == INVALID_KEY


def test_concurrent_sessions_may_be_limited() -> None:
    world = World(Options(max_sessions=1))
    admission = world.admit(SETUP)
    assert refused({"setup": SETUP}, world=world) == TOO_MANY_SESSIONS
    world.keeper.leave(admission, 1.0)
    world.admit(SETUP)


def test_a_handle_resumes_with_a_copy_of_its_memory() -> None:
    world = World()
    first = world.admit(SETUP)
    first.memory.turn_number = 7
    handle = world.handles.issue(first.session_id, first.memory.snapshot(5.0))
    first.memory.turn_number = 8
    tools: list[JSON] = [{"functionDeclarations": [{"name": "f"}]}]
    resuming: JsonObject = {**SETUP, "sessionResumption": {"handle": handle}, "tools": tools}
    assert refused({"setup": resuming}, world=world) == STILL_OPEN
    world.keeper.leave(first, 1.0)
    second = world.admit(resuming)
    assert second.session_id == first.session_id
    assert (second.memory.turn_number, second.memory.age_s) == (7, 5.0)
    assert second.memory is not first.memory
    assert [tool.name for tool in second.memory.tools] == ["f"]
    # What happens in one resumed connection is unknown to the next from the same handle.
    second.memory.turn_number = 9
    world.keeper.leave(second, 2.0)
    assert world.admit(resuming, 3.0).memory.turn_number == 7


def test_another_model_cannot_resume() -> None:
    world = World()
    first = world.admit(SETUP)
    handle = world.handles.issue(first.session_id, first.memory.snapshot(0.0))
    world.keeper.leave(first, 1.0)
    other: JsonObject = {
        "model": "models/gemini-3.1-flash-live-preview",
        "sessionResumption": {"handle": handle},
    }
    assert refused({"setup": other}, world=world) == INVALID_ARGUMENT
    # The failed attempt leaves the session free.
    world.admit({**SETUP, "sessionResumption": {"handle": handle}}, 2.0)


def test_the_instruction_is_part_of_the_context_from_the_start() -> None:
    instruction: JsonObject = {"systemInstruction": {"parts": [{"text": "x" * 40}]}}
    assert World().admit({**SETUP, **instruction}).memory.meter.context_tokens == 10


def test_faults_at_the_door() -> None:
    options = Options(faults=(parse_fault("hang_setup"), parse_fault("quota@resume=1")))
    world = World(options)
    setup: JsonObject = {**SETUP, "sessionResumption": {}}
    first = world.admit(setup)
    assert first.hangs is not None and first.hangs.kind is Kind.HANG_SETUP
    handle = world.handles.issue(first.session_id, first.memory.snapshot(0.0))
    world.keeper.leave(first, 1001.0)
    setup["sessionResumption"] = {"handle": handle}
    with pytest.raises(Refused) as caught:
        world.admit(setup)
    assert (caught.value.close, caught.value.fault) == (QUOTA, "quota")
    # Once each; and the refused connection keeps nobody out.
    assert world.admit(setup).hangs is None


def test_sessions_share_what_they_suffer_in_total() -> None:
    world = World(Options(faults=(parse_fault("drop,total=1"),)))
    first, second = world.admit(SETUP).memory.history, world.admit(SETUP).memory.history
    [fault] = world.options.faults
    assert (first.suffers(fault), second.suffers(fault)) == (True, False)


def test_a_connection_may_be_turned_away_before_it_is_one() -> None:
    world = World(Options(faults=(parse_fault("quota,how=upgrade"), parse_fault("drop"))))
    assert [world.keeper.turns_away() for _ in range(2)] == [True, False]
    assert world.admit(SETUP).hangs is None


def test_a_refused_handle_is_forgotten() -> None:
    world = World(Options(faults=(parse_fault("refuse_handle"),)))
    first = world.admit({**SETUP, "sessionResumption": {}})
    handle = world.handles.issue(first.session_id, first.memory.snapshot(0.0))
    world.keeper.leave(first, 1001.0)
    for fault in ("refuse_handle", ""):
        with pytest.raises(Refused) as caught:
            world.admit({**SETUP, "sessionResumption": {"handle": handle}})
        assert (caught.value.close, caught.value.fault) == (SESSION_NOT_FOUND, fault)


@pytest.mark.parametrize(("live", "turns"), [(False, 1), (True, 7)])
def test_a_handle_brings_back_its_time_or_the_end_of_its_connection(live: bool, turns: int) -> None:
    world = World(Options(live_handles=live))
    first = world.admit({**SETUP, "sessionResumption": {}})
    first.memory.turn_number = 1
    handle = world.handles.issue(first.session_id, first.memory.snapshot(0.0))
    first.memory.turn_number = 7
    world.keeper.leave(first, 1001.0, first.memory)
    again = world.admit({**SETUP, "sessionResumption": {"handle": handle}})
    assert again.memory.turn_number == turns
    assert again.memory.history is first.memory.history
    assert again.memory.history.resumed == 1
