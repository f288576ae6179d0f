"""Every lever of the emulator's behaviour, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.faults import Fault
from emulator.image_options import ImageOptions
from emulator.lifetime import Limits
from emulator.replay import Recorded
from emulator.resumption import HANDLE_TTL_S
from emulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Options:
    """Times in seconds.

    `speed`: seconds of sound sent per second. `hold_scale`: the share of the remaining playback
    for which `turnComplete` is held, 0 sends it at once. `latency_scale`: the share of the model's
    measured time to first sound that is waited. `handle_interval_s`: new resumption handles at
    least this often outside of generation, None gives them at the end of turns only.
    `api_keys`: the only keys that are valid; empty accepts every key that does not start with
    "invalid". `models`: more model ids and the name of the profile each behaves like.
    `max_sessions`: concurrent connections, None is no limit. `voice_activity`: emit
    `voiceActivity` messages even when nobody asked for them. `pong_delay_s`: how long a ping waits
    for its pong. `faults`: what every session suffers. `live_handles`: a handle brings
    back the session as it was when its connection ended, not as it was when the handle was given.
    `consumed_index`: every handle says which client message was the last that it knows, not only
    where the setup asked for it. `images`: see the image endpoint. `recording`: connections to
    play instead of answering, with their delays divided by `replay_speed`.
    """

    speed: float = 4.0
    hold_scale: float = 1.0
    latency_scale: float = 0.0
    limits: Limits = field(default_factory=Limits)
    handle_ttl_s: float = HANDLE_TTL_S
    handle_interval_s: float | None = None
    api_keys: frozenset[str] = frozenset()
    models: Mapping[str, str] = field(default_factory=dict)
    max_sessions: int | None = None
    voice_activity: bool = False
    pong_delay_s: float = 0.0
    seed: int = 0
    scenario: Scenario | None = None
    faults: tuple[Fault, ...] = ()
    live_handles: bool = False
    consumed_index: bool = False
    images: ImageOptions = field(default_factory=ImageOptions)
    recording: tuple[Recorded, ...] = ()
    replay_speed: float = 1.0
