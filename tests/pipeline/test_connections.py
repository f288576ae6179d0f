from dataclasses import dataclass, field
from typing import Any

from pipeline.connections import Connections


@dataclass
class Losses:
    packets: int = 0
    seconds: float = 0.0


@dataclass
class Line:
    """A connection as far as it counts."""

    losses: Losses = field(default_factory=Losses)

    def counters_by_part(self) -> dict[str, Any]:
        return {"losses": self.losses}


def test_before_the_first_connection_there_is_nothing() -> None:
    assert Connections().counters() == {} and len(Connections()) == 0


def test_those_there_are_and_those_there_were_are_summed() -> None:
    connections = Connections()
    first, second = Line(Losses(2, 0.5)), Line(Losses(1, 0.0))
    connections.began(first)
    connections.began(second)
    assert connections.counters() == {"losses": Losses(3, 0.5)} and len(connections) == 2
    connections.ended(first)
    assert len(connections) == 1
    assert connections.counters() == {"losses": Losses(3, 0.5)}
    second.losses.packets += 4
    connections.ended(second)
    assert connections.counters() == {"losses": Losses(7, 0.5)}


def test_counting_changes_no_counter_of_a_connection() -> None:
    connections, line = Connections(), Line(Losses(1, 1.0))
    connections.began(line)
    connections.counters()
    assert connections.counters() == {"losses": Losses(1, 1.0)}
    assert line.losses == Losses(1, 1.0)
    connections.ended(line)
    connections.counters()
    assert connections.counters() == {"losses": Losses(1, 1.0)}
