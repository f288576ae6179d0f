"""What the parts of a session share."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.announcer import Announcer
from emulator.fault_plan import FaultPlan
from emulator.handle_offers import HandleOffers
from emulator.lifetime import Lifetime
from emulator.live_setup import Backend, LiveSetup
from emulator.memory import Memory
from emulator.options import Options
from emulator.profiles import Profile
from emulator.record import SessionRecord


@dataclass(frozen=True, slots=True)
class Scene:
    """What a session is made of."""

    setup: LiveSetup
    profile: Profile
    backend: Backend
    options: Options
    memory: Memory
    record: SessionRecord
    out: Announcer
    offers: HandleOffers
    lifetime: Lifetime
    plan: FaultPlan
