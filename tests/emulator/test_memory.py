from emulator.activity import Started
from emulator.json_types import JsonObject
from emulator.live_setup import Compression
from emulator.memory import MAX_WAITING_PROMPTS, Origin, Prompt
from emulator.wire import FunctionResponse
from tests.emulator.live_driver import World, spoken
from tests.emulator.test_activity import silence, tone

PCM = "audio/pcm;rate=16000"
SETUP: JsonObject = {"model": "models/gemini-3.8-live", **spoken()}


def test_a_snapshot_is_not_touched_by_what_follows() -> None:
    memory = World().admit(SETUP).memory
    memory.unanswered.append("before")
    memory.user.feed_untrusted(tone(0.5), PCM)
    snapshot = memory.snapshot(12.0)
    memory.unanswered.append("after")
    memory.meter.read("text")
    memory.eyes.look(b"red", 0.0)
    _, events = memory.user.feed_untrusted(silence(0.3), PCM)
    assert len(events) == 1
    assert (snapshot.unanswered, snapshot.age_s) == (["before"], 12.0)
    assert snapshot.meter.context_tokens == 0
    assert snapshot.eyes.describe() == ""
    # Half an utterance is part of the snapshot and can be ended from there.
    assert snapshot.user.active
    _, again = snapshot.user.feed_untrusted(silence(0.3), PCM)
    assert again == events


def test_pending_calls_are_part_of_a_snapshot() -> None:
    admission = World().admit(SETUP)
    memory = admission.memory
    call = memory.ledger.call("f", {}, admission.profile.default_behavior, 1)
    snapshot = memory.snapshot(0.0)
    memory.ledger.cancel(1)
    assert snapshot.ledger.respond(FunctionResponse(call.id, "f", {}, "", False)) is not None


def test_a_new_setup_brings_tools_and_maybe_another_activity() -> None:
    world = World()
    memory = world.admit(SETUP).memory
    same = memory.user
    tools: JsonObject = {"tools": [{"functionDeclarations": [{"name": "f"}]}]}
    memory.adopt(world.admit({**SETUP, **tools}).setup)
    assert memory.user is same
    assert [tool.name for tool in memory.tools] == ["f"]
    manual: JsonObject = {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}}
    memory.adopt(world.admit({"model": "models/gemini-3.8-live", **manual}).setup)
    assert memory.user.start() == [Started(0.0)]


def test_waiting_prompts_are_bounded_and_the_oldest_go() -> None:
    memory = World().admit(SETUP).memory
    for number in range(MAX_WAITING_PROMPTS + 1):
        memory.waiting.append(Prompt("text", 0.0, text=str(number)))
    assert memory.waiting[0].text == "1"


def test_a_new_setup_may_bring_another_compression() -> None:
    world = World()
    memory = world.admit(SETUP).memory
    compression: JsonObject = {"contextWindowCompression": {"triggerTokens": 1000}}
    memory.adopt(world.admit({**SETUP, **compression}).setup)
    assert memory.meter.compression == Compression(1000, 500)
    memory.adopt(world.admit(SETUP).setup)
    assert memory.meter.compression is None


def test_a_poisoned_memory_dies_in_the_next_connection() -> None:
    world = World()
    memory = world.admit(SETUP).memory
    memory.poisoned = True
    assert not memory.dies
    memory.adopt(world.admit(SETUP).setup)
    assert memory.dies


def test_an_origin_is_told_in_numbers() -> None:
    memory = World().admit(SETUP).memory
    snapshot = memory.snapshot(0.0, Origin(3, 1600, 2))
    assert memory.origin is None
    assert snapshot.origin is not None
    assert snapshot.origin.to_json() == {"id": 3, "audio_samples": 1600, "calls": 2}


def test_a_new_setup_may_bring_another_instruction() -> None:
    world = World()
    memory = world.admit(SETUP).memory
    instruction: JsonObject = {"systemInstruction": {"parts": [{"text": "Be brief."}]}}
    memory.adopt(world.admit({**SETUP, **instruction}).setup)
    memory.adopt(world.admit(SETUP).setup)
    assert memory.instruction == "Be brief."


def test_a_waiting_utterance_is_of_no_later_connections_sound() -> None:
    world = World()
    memory = world.admit(SETUP).memory
    memory.waiting.append(Prompt("audio", 0.0, pcm=bytes(2), audio=(0, 1)))
    memory.adopt(world.admit(SETUP).setup)
    assert memory.waiting[0] == Prompt("audio", 0.0, pcm=bytes(2))
