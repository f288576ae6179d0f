import copy

from emulator.glances import Glances


class CountingEyes:
    looks = 0

    def __init__(self) -> None:
        self._seen: list[bytes] = []

    def look(self, image: bytes, now: float) -> None:
        type(self).looks += 1
        self._seen.append(image)

    def describe(self) -> str:
        return b" then ".join(self._seen).decode()


def test_only_the_latest_pictures_are_looked_at_and_only_when_asked() -> None:
    CountingEyes.looks = 0
    glances = Glances(CountingEyes)
    assert glances.describe() == ""
    for number in range(5):
        glances.look(b"%d" % number, float(number))
    assert CountingEyes.looks == 0
    assert glances.describe() == "3 then 4"
    assert CountingEyes.looks == 2


def test_a_copy_keeps_its_own_pictures() -> None:
    glances = Glances(CountingEyes)
    glances.look(b"a", 0.0)
    taken = copy.deepcopy(glances)
    glances.look(b"b", 1.0)
    assert (taken.describe(), glances.describe()) == ("a", "a then b")
