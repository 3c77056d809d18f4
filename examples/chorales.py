"""Music is a language: a model of Bach's chorales, and a chorale that it writes, as MIDI and as a picture.

    python examples/chorales.py jsb-chorales-quarter.json
    python examples/chorales.py Jsb16thSeparated.json

The files hold "train", "valid" and "test", lists of chorales; a chorale is a list of frames, a frame a list of MIDI
numbers (Boulanger-Lewandowski et al. 2012). Where each frame has four numbers, they are soprano, alto, tenor and bass
in a sixteenth note, -1 for silence; else they are what sounds in a quarter note, whoever sings it.

A frame becomes a line of text, a note a word, from the top down; in sixteenths a voice that stays where it was writes
".". Neither file tells a note that is held from one that is sung again: both count as held here. The model learns each
chorale in twelve keys, and is scored on the test part in the keys that it is in.

On the quarter notes it printed at its end (2026-11-28, 2 cores of an AMD EPYC, 93 seconds):

    n-gram model: 12 tokens
    network: 4.508 nats a frame
      ngram: 5.140 nats a frame
    unigram: 17.827 nats a frame
    The network is less surprised than the n-gram model, by 0.632 nats.
"""

import argparse
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from anaphora import LanguageModel
from anaphora.events import Epoch
from anaphora.tasks.language import ngram
from anaphora.tasks.language.documents import Texts

try:
    import mido
except ImportError as error:
    raise SystemExit("mido, which writes MIDI, is needed here and is not installed: pip install mido") from error

VOICES = {"soprano": "#c0392b", "alto": "#d68910", "tenor": "#1e8449", "bass": "#21618c"}
HELD, SILENCE = ".", -1
PITCHES = {str(pitch): pitch for pitch in range(SILENCE, 128)}
KEYS = range(-5, 7)
"""Semitones by which the training part is moved."""
ORDERS = (5, 6, 8, 10, 12)
"""Of the n-gram model; the validation part chooses."""
BAR = 4
"""Quarter notes of a bar in the picture: the files do not say where bars begin."""
TICKS, BEATS_A_MINUTE, CHURCH_ORGAN, LOUD = 480, 80, 19, 80
RECIPE: dict[str, Any] = {
    "level": "word",
    "split": "blanks",
    "min_count": 1,
    "hidden_size": 256,
    "embedding_size": 64,
    "layers": 1,
    "window": 80,
    "epochs": 10,
    "learning_rate": 0.008,
    "dropout": 0.2,
    "weight_drop": 0.0,
}
Frames = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Note:
    """A note of a voice, 0 to 3: where it begins and how long it lasts, in frames."""

    voice: int
    pitch: int
    start: int
    length: int


@dataclass(frozen=True)
class Notation:
    """Frames as text. `separate`: they name four voices, sixteenths; else what sounds in a quarter note."""

    separate: bool

    @property
    def beat(self) -> int:
        """Frames of a quarter note."""
        return 4 if self.separate else 1

    @property
    def octave(self) -> int:
        """Semitones to where it is sung: what the file of quarter notes holds stands an octave above."""
        return 0 if self.separate else -12

    def write(self, frames: Frames, semitones: int = 0) -> str:
        """A line for each frame, all notes moved by some semitones."""
        lines, before = [], itertools.repeat(None)
        for frame in frames:
            notes = list(frame) if self.separate else sorted(frame, reverse=True)
            names = [str(note if note == SILENCE else note + semitones) for note in notes]
            if self.separate:
                names = [HELD if note == old else name for note, old, name in zip(notes, before, names, strict=False)]
                before = notes
            lines.append(" ".join(names) + "\n")
        return "".join(lines)

    def read(self, text: str) -> NDArray[np.int64]:
        """The pitches of four voices, `[T, 4]`. Lines that cannot be sung are left out."""
        rows, now = [], [SILENCE] * len(VOICES)
        for line in text.splitlines():
            words = line.split()
            if self.separate:
                words = [str(old) if word == HELD else word for word, old in itertools.zip_longest(words, now)]
            if PITCHES.keys() >= set(words):
                pitches = [PITCHES[word] for word in words]
                pitches = pitches if self.separate else lead(now, pitches)
                if len(pitches) == len(VOICES):
                    rows.append(now := pitches)
        return np.array(rows, np.int64).reshape(-1, len(VOICES))


def lead(before: Sequence[int], notes: Iterable[int]) -> list[int]:
    """Who sings what: all notes from the top down, by the shortest ways from the pitches before; [] if nobody can."""
    falling = sorted(set(notes), reverse=True) or [SILENCE]
    ways = itertools.combinations_with_replacement(falling, len(VOICES))
    all_sung = (way for way in ways if len(set(way)) == len(falling))
    return list(min(all_sung, key=lambda way: sum(abs(a - b) for a, b in zip(way, before, strict=True)), default=()))


def notes_of(voices_T4: NDArray[np.int64], semitones: int = 0) -> list[Note]:
    """A pitch that goes on in a voice is one note. All are moved by some semitones."""
    found = []
    for voice, pitches in enumerate(voices_T4.T.tolist()):
        start = 0
        for pitch, same in itertools.groupby(pitches):
            length = len(list(same))
            if pitch != SILENCE:
                found.append(Note(voice, pitch + semitones, start, length))
            start += length
    return found


def write_midi(notes: Iterable[Note], beat: int, file: Path) -> None:
    """A Standard MIDI File with a track for each voice."""
    midi = mido.MidiFile(ticks_per_beat=TICKS)
    for voice, name in enumerate(VOICES):
        track = midi.add_track(name)
        if not voice:
            track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(BEATS_A_MINUTE)))
        track.append(mido.Message("program_change", channel=voice, program=CHURCH_ORGAN))
        now = 0
        for note in (note for note in notes if note.voice == voice):
            start, length = (frames * TICKS // beat for frames in (note.start, note.length))
            sound = {"channel": voice, "note": note.pitch}
            track.append(mido.Message("note_on", velocity=LOUD, time=start - now, **sound))
            track.append(mido.Message("note_off", velocity=0, time=length, **sound))
            now = start + length
    midi.save(file)


def draw(notes: Sequence[Note], beat: int, given: int, file: Path) -> None:
    """A piano roll; the first `given` frames, which the model did not write, are on a grey ground."""
    end = max(note.start + note.length for note in notes)
    low, high = min(note.pitch for note in notes), max(note.pitch for note in notes)
    figure = Figure((10, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel=f"bar (of {BAR} quarter notes)", xlim=(0, end), ylim=(low - 1.5, high + 1.5))
    if given:
        axes.axvspan(0, given, color="#ecf0f1", zorder=0)
        axes.text(given - 0.3 * beat, high + 1.4, "given", ha="right", va="top", fontsize=8, color="#7f8c8d")
    for place, note in enumerate(notes):
        colour = list(VOICES.values())[note.voice]
        (bar,) = axes.barh(note.pitch, note.length - 0.12 * beat, 0.8, note.start, color=colour)
        bar.set_gid(f"note-{place}")
    bars = range(0, end + 1, BAR * beat)
    axes.set_xticks(bars, [str(1 + number) for number in range(len(bars))], fontsize=8)
    octaves = [pitch for pitch in range(128) if pitch % 12 in (0, 7) and low <= pitch <= high]
    axes.set_yticks(octaves, [f"{'C' if pitch % 12 == 0 else 'G'}{pitch // 12 - 1}" for pitch in octaves], fontsize=8)
    axes.grid(color="#bdc3c7", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend([Patch(color=colour) for colour in VOICES.values()], VOICES, loc="outside upper center", ncols=4,
                  frameon=False, fontsize=9)  # fmt: skip
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "chorale"}):
        figure.savefig(file, metadata={"Date": None, "Creator": None})


def surprise(model: LanguageModel, kept: Texts, valid: Texts, test: Texts) -> dict[str, float]:
    """Nats a frame on the test part, without the chorales' ends: of the network, an n-gram model, and single tokens."""
    task = model.bundle_.task
    learned, choosing, scored = task.encode(kept), task.encode(valid), task.encode(test, closed=False)
    order = ngram.best_order(learned, choosing, task.codec.size, ORDERS)
    print(f"n-gram model: {order} tokens")
    surprises = {"network": -sum(float(chorale.sum()) for chorale in model.log_probabilities(test.texts))}
    for name, n in (("ngram", order), ("unigram", 1)):
        counted = ngram.NGram.fit(learned.ids, learned.starts, task.codec.size, n)
        surprises[name] = -float(counted.log_probabilities(scored.ids, scored.starts).sum())
    frames = sum(chorale.count("\n") for chorale in test.texts)
    return {name: nats / frames for name, nats in surprises.items()}


def main(
    parts: dict[str, list[Frames]], out: Path, given: int = 2, bars: int = 16, temperature: float = 0.9, **options: Any
) -> tuple[dict[str, float], list[Note]]:
    """Nats a frame by model, and the notes of the chorale: `given` bars of the first test piece, and what follows."""
    notation = Notation(all(len(frame) == len(VOICES) for chorale in parts["train"] for frame in chorale))
    kept = Texts([notation.write(chorale, key) for key in KEYS for chorale in parts["train"]])
    valid, test = (Texts([notation.write(chorale) for chorale in parts[part]]) for part in ("valid", "test"))
    model = LanguageModel(**RECIPE | options)
    for event in model.fit_events(kept, valid):
        if isinstance(event, Epoch):
            perplexity = event.metrics["perplexity"]
            print(f"epoch {event.epoch}: perplexity {perplexity:.3f}, {event.seconds:.0f} s", flush=True)
    found = surprise(model, kept, valid, test)
    for name, nats in found.items():
        print(f"{name:>7}: {nats:.3f} nats a frame")
    ahead = found["ngram"] - found["network"]
    print(
        f"The network is {'less' if ahead > 0 else 'more'} surprised than the n-gram model, by {abs(ahead):.3f} nats."
    )

    frames = BAR * notation.beat * given
    prompt = notation.write(parts["test"][0][:frames])
    words = (len(VOICES) + 1) * BAR * notation.beat * (bars - given)
    written = model.generate(prompt, words, temperature=temperature, seed=model.seed)
    text = prompt + written[: written.rfind("\n") + 1]
    voices_T4 = notation.read(text)
    if left_out := text.count("\n") - len(voices_T4):
        print(f"{left_out} frames that cannot be sung were left out")
    notes = notes_of(voices_T4, notation.octave)
    write_midi(notes, notation.beat, out.with_suffix(".mid"))
    draw(notes, notation.beat, frames, out.with_suffix(".svg"))
    print(f"{len(notes)} notes are in {out.with_suffix('.mid')}, and drawn in {out.with_suffix('.svg')}")
    return found, notes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=Path("chorale"), help="where to write the .mid and the .svg")
    parser.add_argument("--given", type=int, default=2, help="bars of a test piece to begin with")
    parser.add_argument("--bars", type=int, default=16)
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=json.loads, default={}, help="options of the language model, as JSON")
    asked = vars(parser.parse_args())
    content = json.loads(asked.pop("file").read_text(encoding="utf-8"))
    main(content, **asked.pop("model"), **asked)
