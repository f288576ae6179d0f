"""Which exchanges are sent again."""

from dataclasses import dataclass

from processors.images.chat_memory import NEWEST_KEPT, SENT_LIMIT_BYTES, ChatMemory


@dataclass(frozen=True)
class Said:
    name: str
    size: int = 10


def memory_of(names: str, size: int = 10) -> ChatMemory[Said]:
    memory: ChatMemory[Said] = ChatMemory()
    before = None
    for name in names:
        memory.remember(name, before, Said(name, size))
        before = name
    return memory


def names(memory: ChatMemory[Said], image_id: str) -> str:
    return "".join(said.name for said in memory.history(image_id))


def test_a_chat_goes_back_to_its_first() -> None:
    memory = memory_of("abc")
    assert [names(memory, one) for one in "abcx"] == ["a", "ab", "abc", ""]
    assert (memory.counters.gone_on, memory.counters.begun_anew) == (3, 1)


def test_branches_know_nothing_of_each_other() -> None:
    memory = memory_of("ab")
    memory.remember("c", "a", Said("c"))
    assert names(memory, "c") == "ac"


def test_of_a_long_one_the_first_and_the_newest_are_sent() -> None:
    memory = memory_of("abcdefgh")
    assert NEWEST_KEPT == 3
    assert names(memory, "h") == "afgh"


def test_no_more_is_sent_than_a_request_holds() -> None:
    half = SENT_LIMIT_BYTES // 2
    assert names(memory_of("abcd", half), "d") == "ad"
    assert names(memory_of("ab", SENT_LIMIT_BYTES - 1), "b") == "b"
    assert names(memory_of("a", SENT_LIMIT_BYTES + 1), "a") == ""
    assert names(memory_of("ab", SENT_LIMIT_BYTES + 1), "b") == ""


def test_what_was_unused_for_longest_is_forgotten() -> None:
    memory = memory_of("abc")
    memory.limit_bytes = 30
    memory.history("a")
    memory.remember("d", None, Said("d"))
    assert [bool(memory.history(one)) for one in "abcd"] == [True, False, True, True]
    assert (memory.kept_bytes, memory.counters.evicted) == (30, 1)
    memory.forget("d")
    memory.forget("d")
    assert memory.kept_bytes == 20
    memory.remember("huge", None, Said("huge", 31))
    assert memory.kept_bytes == 0
