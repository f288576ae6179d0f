"""What is measured: how many peers, what they send, against whom. Pure."""

from dataclasses import dataclass
from typing import Final

from bench.camera_clip import ClipSpec

VGA: Final = ClipSpec()
HD: Final = ClipSpec(1280, 720, 30, 2_000_000)
PAGE: Final = ClipSpec(1280, 720, 2, 400_000)  # as our own page sends its camera
BOTH: Final = ("easel", "stock")
EASEL: Final = ("easel",)

# The model speaks for 3 s of every 9: a window of whole periods holds a third of its speech.
LONG_S: Final = 27.0
SHORT_S: Final = 18.0


@dataclass(frozen=True, slots=True)
class Load:
    """What the peers of one measurement send. `clip` None: no camera.

    `one_room`: the first peer speaks, the others only listen. `runs`: how often it is measured.
    """

    name: str
    peers: int
    clip: ClipSpec | None = None
    kinds: tuple[str, ...] = BOTH
    mode: str = "talk"
    loss: float = 0.0
    one_room: bool = False
    probed: bool = False
    window_s: float = LONG_S
    runs: int = 3
    keep_pictures: int = 0


ROWS: Final = (
    Load("vga", 4, VGA, keep_pictures=8),
    Load("audio", 4),
    Load("hd", 3, HD),  # four are more than a core for stock
    Load("page", 4, PAGE, kinds=EASEL, window_s=SHORT_S),
    Load("loss", 4, loss=0.02),
    Load("interrupt", 4, mode="interrupt"),
    Load("listeners-2", 3, kinds=EASEL, one_room=True),
    Load("listeners-12", 13, kinds=EASEL, one_room=True),
    Load("lag", 20, VGA, kinds=EASEL, probed=True, window_s=SHORT_S),
)
QUICK: Final = ("vga", "audio")


def scale(peers: int, kind: str) -> Load:
    """A point of the chart of processor time against the number of peers."""
    return Load(f"scale-{peers}", peers, VGA, kinds=(kind,), window_s=SHORT_S, runs=1)


# Four peers are the row "vga". Stock is as good as full with six.
SCALE: Final = tuple(scale(n, "easel") for n in (1, 8, 16, 24)) + tuple(
    scale(n, "stock") for n in (1, 2, 6)
)
