from emulator.announcer import Announcer
from emulator.effects import Send
from emulator.handle_offers import HandleOffers
from emulator.json_types import JsonObject, object_of
from emulator.lifetime import Lifetime, Limits
from emulator.record import SessionRecord
from tests.emulator.live_driver import World


class Bench:
    def __init__(
        self, *, resumes: bool = True, interval_s: float | None = None, tells_index: bool = False
    ) -> None:
        self.world = World()
        resumption: JsonObject = {"sessionResumption": {}} if resumes else {}
        admission = self.world.admit({"model": "models/gemini-3.8-live", **resumption})
        self.memory = admission.memory
        self.out = Announcer(
            admission.setup,
            admission.profile,
            admission.backend,
            SessionRecord(0, 0.0, 0.0),
            voice_activity=False,
        )
        self.offers = HandleOffers(
            admission.setup,
            self.memory,
            admission.session_id,
            self.world.handles,
            self.out,
            SessionRecord(0, 0.0, 0.0),
            Lifetime(Limits(), 100.0, compressed=True),
            interval_s,
            tells_index=tells_index,
        )
        self.admission = admission

    def updates(self) -> list[JsonObject]:
        return [
            object_of(effect.body["sessionResumptionUpdate"])
            for effect in self.out.take()
            if isinstance(effect, Send)
        ]


def test_an_offer_brings_a_handle_of_the_present() -> None:
    bench = Bench()
    bench.memory.turn_number = 3
    bench.offers.offer(107.0)
    bench.memory.turn_number = 4
    [update] = bench.updates()
    assert update["resumable"] is True
    bench.world.keeper.leave(bench.admission, 108.0)
    _, memory = bench.world.handles.resume(str(update["newHandle"]), 109.0)
    assert (memory.turn_number, memory.age_s) == (3, 7.0)


def test_while_the_model_has_the_floor_there_is_no_handle() -> None:
    bench = Bench()
    bench.offers.offer(100.0)
    bench.offers.withdraw()
    bench.offers.withdraw()
    assert bench.updates()[1:] == [{"resumable": False}]


def test_whoever_did_not_ask_hears_nothing() -> None:
    bench = Bench(resumes=False, interval_s=1.0)
    bench.offers.offer(100.0)
    bench.offers.withdraw()
    assert bench.updates() == []
    assert bench.offers.deadline() is None


def test_handles_can_come_by_the_clock() -> None:
    bench = Bench(interval_s=2.0)
    bench.offers.offer(100.0)
    assert bench.offers.deadline() == 102.0
    bench.offers.on_time(101.9)
    assert len(bench.updates()) == 1
    bench.offers.on_time(102.0)
    assert len(bench.updates()) == 1
    assert bench.offers.deadline() == 104.0
    bench.offers.withdraw()
    assert bench.offers.deadline() is None


def test_a_handle_that_is_owed_comes_once_everything_is_taken() -> None:
    bench = Bench()
    bench.offers.settle(100.0)
    assert bench.updates() == []
    bench.offers.owe()
    assert bench.updates() == []
    bench.offers.settle(101.0)
    bench.offers.settle(102.0)
    assert len(bench.updates()) == 1
    bench.offers.owe()
    # The model has the floor again.
    bench.offers.withdraw()
    bench.offers.settle(103.0)
    assert bench.updates() == [{"resumable": False}]


def test_no_handles_after_the_last() -> None:
    bench = Bench(interval_s=2.0)
    bench.offers.offer(100.0)
    bench.offers.owe()
    bench.offers.stop()
    bench.offers.settle(101.0)
    bench.offers.offer(101.0)
    assert len(bench.updates()) == 1
    assert bench.offers.deadline() is None


def test_a_handle_tells_which_message_it_knows_when_asked() -> None:
    bench = Bench(tells_index=True)
    bench.offers.offer(100.0)
    bench.offers.consumed += 2
    bench.offers.offer(100.0)
    assert [one["lastConsumedClientMessageIndex"] for one in bench.updates()] == ["0", "2"]
