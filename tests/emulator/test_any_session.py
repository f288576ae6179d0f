"""Whatever a client does in whatever order, a session keeps its word."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from emulator.closes import DEADLINE_EXPIRED
from emulator.json_types import JSON, JsonObject, object_of
from emulator.live_turns import TurnState
from emulator.options import Options
from emulator.profiles import PROFILES
from tests.emulator.live_driver import Driver, spoken
from tests.emulator.test_activity import silence, tone
from tests.emulator.test_session import content, picture

CALL: JsonObject = {"name": "draw", "args": {}}


class AnySession(RuleBasedStateMachine):
    """Whatever a client does in whatever order, the session keeps its word."""

    def __init__(self) -> None:
        super().__init__()
        self.driver: Driver | None = None

    @rule(model=st.sampled_from(sorted(PROFILES)), resumes=st.booleans(), interrupts=st.booleans())
    def connect(self, model: str, resumes: bool, interrupts: bool) -> None:
        if self.driver is None:
            options = Options(models={name: name for name in PROFILES}, handle_interval_s=4.0)
            setup = spoken({"sessionResumption": {}} if resumes else {})
            if not interrupts:
                object_of(setup["realtimeInputConfig"])["activityHandling"] = "NO_INTERRUPTION"
            steps: list[JSON] = [
                {"hear": "draw", "say": "Yes.", "call": CALL, "repeat": True},
                {"result": "draw", "say": "Done.", "repeat": True},
            ]
            self.driver = Driver(*steps, setup=setup, model=model, options=options)

    def alive(self) -> Driver | None:
        return self.driver if self.driver is not None and self.driver.close is None else None

    @rule(pick=st.integers(-3, -1))
    def reconnect(self, pick: int) -> None:
        """From the last handle or an earlier one; nothing of before is checked any more."""
        driver = self.alive()
        handles = [handle for handle in driver.handles() if handle] if driver else []
        if driver and handles:
            driver.leave()
            handle = handles[max(pick, -len(handles))]
            setup: JsonObject = {
                **driver.admission.setup.raw,
                "sessionResumption": {"handle": handle},
            }
            del setup["model"]
            self.driver = Driver(
                setup=setup,
                model=driver.admission.setup.model_id,
                world=driver.world,
                now=driver.now + 0.5,
            )

    @rule(seconds=st.floats(0.01, 3.0))
    def wait(self, seconds: float) -> None:
        if driver := self.alive():
            driver.run(seconds)

    @rule(seconds=st.floats(0.01, 1.0), loud=st.booleans())
    def sound(self, seconds: float, loud: bool) -> None:
        if driver := self.alive():
            driver.audio(tone(seconds) if loud else silence(seconds))

    @rule(words=st.sampled_from(["draw", "", "hello"]))
    def understand(self, words: str) -> None:
        if (driver := self.alive()) and driver.utterances:
            driver.understand(words)

    @rule(words=st.sampled_from(["draw", " ", "hello"]))
    def write(self, words: str) -> None:
        if driver := self.alive():
            driver.text(words)

    @rule(complete=st.booleans())
    def content(self, complete: bool) -> None:
        if driver := self.alive():
            driver.send(content(("user", "draw"), complete=complete))

    @rule(scheduling=st.sampled_from(["", "SILENT", "WHEN_IDLE", "INTERRUPT"]), more=st.booleans())
    def result(self, scheduling: str, more: bool) -> None:
        driver = self.alive()
        if driver and driver.admission.memory.ledger.pending:
            if not (driver.admission.profile.schedules):
                scheduling = ""
            driver.respond(_first(driver), {}, scheduling=scheduling, willContinue=more)

    @rule()
    def look(self) -> None:
        if driver := self.alive():
            driver.send(picture())

    @invariant()
    def every_turn_is_complete_once(self) -> None:
        if self.driver is None:
            return
        turns = self.driver.record.turns
        completed = [turn for turn in turns if turn.turn_complete_at is not None]
        assert len(self.driver.times("turnComplete")) == len(completed)
        assert len(self.driver.times("interrupted")) == sum(t.interrupted for t in turns)
        # Only the last turn may still be open, and only while the model has the floor.
        open_turns = [turn for turn in turns if turn.turn_complete_at is None]
        assert open_turns == ([turns[-1]] if self.driver.session.model_has_floor else [])

    @invariant()
    def an_idle_session_with_pictures_ends_by_its_limit_only(self) -> None:
        if self.driver is not None and self.driver.close is not None:
            assert self.driver.close == DEADLINE_EXPIRED

    def teardown(self) -> None:
        """Whatever was open comes to rest."""
        if driver := self.alive():
            driver.audio(silence(1.0))
        for _ in range(10):
            if driver := self.alive():
                while driver.utterances:
                    driver.understand("")
                while driver.close is None and driver.admission.memory.ledger.pending:
                    driver.respond(_first(driver))
                driver.run(5.0)
        if driver := self.alive():
            assert driver.state is TurnState.IDLE


def _first(driver: Driver) -> JsonObject:
    call = driver.admission.memory.ledger.pending[0]
    return {"id": call.id, "name": call.name}


TestAnySession = AnySession.TestCase
TestAnySession.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
