from emulator.journal import MAX_RECORDS, MAX_RECORDS_WITH_AUDIO, Journal


def test_records_are_numbered_and_only_the_newest_keep_their_sound() -> None:
    journal = Journal()
    records = [journal.open(float(number)) for number in range(MAX_RECORDS_WITH_AUDIO)]
    for record in records:
        record.add_audio("audio/pcm", 2, b"\1\0", 0.0)
    assert [record.number for record in records] == list(range(MAX_RECORDS_WITH_AUDIO))
    with_sound = len(records[0].audio_wav())
    journal.open(0.0)
    assert len(records[0].audio_wav()) < with_sound
    assert len(records[1].audio_wav()) == with_sound


def test_the_oldest_records_are_forgotten() -> None:
    journal = Journal()
    for _ in range(MAX_RECORDS + 5):
        last = journal.open(0.0)
    assert last.number == MAX_RECORDS + 4
    assert [record.number for record in journal.records][:1] == [5]
