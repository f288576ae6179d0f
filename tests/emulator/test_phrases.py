from __future__ import annotations

import re

from emulator.phrases import COLOURS, RULES, SLOTS, jsgf, sentences


def test_the_promised_sentences_are_there() -> None:
    promised = {
        "hello",
        "what do you see",
        "change the wall to blue",
        "make it warmer",
        "make it black and white",
        "blur it",
        "show me this room with a blue wall",
        "show me this room with blue walls",
        "only the left wall",
        "undo",
        "draw a red circle",
        "draw an orange star",
        "add a plant",
        "tell me a story",
        "stop",
        "what time is it",
        "count to ten",
        "go back to the first one",
        "thank you",
        "goodbye",
    }
    assert promised <= set(sentences())


def test_no_sentence_twice_and_no_slot_left() -> None:
    all_sentences = sentences()
    assert len(all_sentences) == len(set(all_sentences))
    assert all(re.fullmatch(r"[a-z ]+", sentence) for sentence in all_sentences)
    assert sum(s.startswith("change the wall to ") for s in all_sentences) == len(COLOURS)


def test_the_grammar_names_every_rule_and_slot() -> None:
    grammar = jsgf()
    assert grammar.startswith("#JSGF V1.0;\n")
    for name, values in SLOTS.items():
        assert f"<{name}> = {' | '.join(values)};" in grammar
    assert all(rule in grammar for rule in RULES)
    assert set(re.findall(r"<(\w+)>", grammar)) == {*SLOTS, "command"}
