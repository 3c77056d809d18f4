"""The example of music: chorales as text, MIDI and a picture."""

import re
import struct
import sys

import pytest


def hymns(roots, separate):
    """Cadences in several keys: every bar the same, but for the key. Who sings in unison shows in separate voices."""
    chords = ((0, 4, 7, 12), (5, 9, 12, 17), (7, 11, 14, 19), (0, 4, 12, 12))
    pieces = [[[root + step for step in chord] for chord in chords * 4] for root in roots]
    if separate:
        return [[chord[::-1] for chord in piece for _ in range(4)] for piece in pieces]
    return [[sorted(set(chord)) for chord in piece] for piece in pieces]


def notes_in_midi(content):
    """The notes (track, pitch, start, length) of a Standard MIDI File, times in quarter notes; read by its
    specification alone.
    """
    _, tracks, ticks = struct.unpack(">HHH", content[8:14])
    at, found = 14, []
    for track in range(tracks):
        assert content[at : at + 4] == b"MTrk"
        end = at + 8 + struct.unpack(">I", content[at + 4 : at + 8])[0]
        at, now, status, open_notes = at + 8, 0, 0, {}
        while at < end:
            delta = 0
            while content[at] & 0x80:
                delta, at = (delta + (content[at] & 0x7F)) << 7, at + 1
            now, at = now + delta + content[at], at + 1
            if content[at] & 0x80:
                status, at = content[at], at + 1
            if status == 0xFF:
                at += 2 + content[at + 1]
                continue
            if status >> 4 == 9 and content[at + 1]:
                open_notes[content[at]] = now
            elif status >> 4 in (8, 9):
                start = open_notes.pop(content[at])
                found.append((track, content[at], start / ticks, (now - start) / ticks))
            at += 1 if status >> 4 == 0xC else 2
        assert at == end
        assert not open_notes
    return found


@pytest.mark.parametrize("separate", [False, True])
def test_chorales_are_learned_and_written_as_midi_and_as_a_picture(load, separate, tmp_path, capsys):
    chorales, out = load("chorales"), tmp_path / "written"
    parts = {"train": hymns(range(50, 62, 2), separate), "valid": hymns([55], separate), "test": hymns([57], separate)}
    small = {"hidden_size": 48, "layers": 1, "epochs": None, "steps": 150, "learning_rate": 0.03, "batch_size": 8}
    found, notes = chorales.main(parts, out, given=1, bars=4, **small)
    assert found["network"] < found["unigram"] / 3
    said = "less" if found["network"] < found["ngram"] else "more"
    assert f"The network is {said} surprised than the n-gram model" in capsys.readouterr().out

    frames = 4 if separate else 1
    read = notes_in_midi(out.with_suffix(".mid").read_bytes())
    assert read == [(note.voice, note.pitch, note.start / frames, note.length / frames) for note in notes]
    assert {note.voice for note in notes} == {0, 1, 2, 3}
    assert 4 < max(start + length for _, _, start, length in read) <= 16  # quarter notes; four of them were given
    drawn = re.findall(r'id="note-\d+"', out.with_suffix(".svg").read_text(encoding="utf-8"))
    assert len(set(drawn)) == len(drawn) == len(notes)


def test_a_chorale_comes_back_from_its_text(load):
    chorales = load("chorales")
    sixteenths = [[67, 64, 60, 48], [67, 65, 60, 48], [67, 65, 60, -1], [69, 65, 60, 53]]
    notation = chorales.Notation(separate=True)
    text = notation.write(sixteenths)
    assert text == "67 64 60 48\n. 65 . .\n. . . -1\n69 . . 53\n"
    assert notation.read(text).tolist() == sixteenths
    assert notation.read(notation.write(sixteenths, 3))[:3, 0].tolist() == [70, 70, 70]
    assert notation.read("67 64 60 48\n67 64\n6764 60 48 50\n. 65 . . .\n. 65 . .\n").tolist() == sixteenths[:2]


def test_a_chord_is_dealt_out_by_the_shortest_ways(load):
    read = load("chorales").Notation(separate=False).read
    assert read("72 67 64 60\n72 69 65\n").tolist() == [[72, 67, 64, 60], [72, 69, 65, 65]]
    assert read("72 71 64 60\n72 69 65\n").tolist() == [[72, 71, 64, 60], [72, 69, 65, 65]]
    assert read("72 67 64 60\n\n72 71 70 69 68\n").tolist() == [[72, 67, 64, 60], [-1, -1, -1, -1]]


def test_the_chorales_without_mido_say_what_to_install(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(SystemExit, match="pip install mido"):
        load("chorales")
