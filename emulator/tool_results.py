"""What a client's tool response does to a session: refused, silent, at once, or when idle. Pure."""

from __future__ import annotations

import json

from emulator.closes import INVALID_ARGUMENT
from emulator.floor import Floor
from emulator.live_setup import Backend, Behavior
from emulator.live_turns import TurnState
from emulator.memory import Prompt
from emulator.minds import Reply
from emulator.scene import Scene
from emulator.tool_calls import Result, Scheduling
from emulator.wire import FunctionResponse


class ToolResults:
    """Takes one session's function responses."""

    def __init__(self, scene: Scene, floor: Floor) -> None:
        self._profile = scene.profile
        self._memory = scene.memory
        self._record = scene.record
        self._out = scene.out
        self._floor = floor
        self._needs_id = scene.backend is Backend.MLDEV
        self._schedules = scene.profile.schedules and scene.backend is Backend.MLDEV

    def respond(self, response: FunctionResponse, now: float) -> None:
        """One response; closes when it lacks its id or asks for scheduling that does not exist."""
        without_id = self._needs_id and not response.id
        if without_id or (response.scheduling and not self._schedules):
            self._out.close(INVALID_ARGUMENT)
            return
        result = self._memory.ledger.respond(response)
        if result is None:
            self._record.unmatched_tool_responses += 1
            return
        call = result.call
        self._record.add_call("response", call.name, call.id, result.response, now)
        self._memory.meter.read(json.dumps(result.response))
        if call.behavior is not Behavior.BLOCKING:
            self._late(result, now)
        elif not result.will_continue and self._floor.model_has_it:
            self._floor.blocking_result(self._reply(result), now)
        elif not result.will_continue:
            # The turn that asked ended with an earlier connection.
            self._floor.wait(Prompt("tool", now, reply=self._reply(result)), now)

    def _late(self, result: Result, now: float) -> None:
        """The response of a NON_BLOCKING call: the talk went on meanwhile."""
        reply = Reply() if result.scheduling is Scheduling.SILENT else self._reply(result)
        # With an interaction status even silence needs a turn: the client waits for IDLE.
        if reply.empty and not self._profile.interaction_status:
            return
        prompt = Prompt("tool", now, reply=reply)
        if result.scheduling is not Scheduling.INTERRUPT:
            self._floor.wait(prompt, now)
        elif self._floor.state is TurnState.USER_ACTIVE and not self._profile.talks_over_user:
            self._floor.wait(prompt, now, first=True)
        else:
            self._floor.prompt(prompt, now, cuts=True)

    def _reply(self, result: Result) -> Reply:
        return self._memory.mind.on_tool_result(result.call.name, result.response)
