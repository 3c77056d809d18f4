"""Text -> more text."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from anaphora.bundle import Bundle
from anaphora.data.read import replace_surrogates
from anaphora.engine import native
from anaphora.errors import DataError, OptionError
from anaphora.estimators.base import Estimator, load_training
from anaphora.estimators.inputs import checked_texts
from anaphora.events import Event, Sample, Stage
from anaphora.net.build import Arrays
from anaphora.tasks.language import generate as writing
from anaphora.tasks.language import ngram
from anaphora.tasks.language.corpus import Corpus
from anaphora.tasks.language.documents import Chain, Chosen, Column, Documents, Stretch, TextFiles, Texts, held_out
from anaphora.tasks.language.generate import Writing
from anaphora.tasks.language.overlap import share_found
from anaphora.tasks.language.scorer import Scorer
from anaphora.tasks.language.scores import LanguageScores, bits_per_character, compare_readings
from anaphora.tasks.language.task import Language, LanguageConfig, perplexity
from anaphora.tasks.language.windows import Windows
from anaphora.text.tokenize import UNKNOWN, UNKNOWN_ID

TOKEN_IDS = "token-ids"
"""The folder of token ids within that of an unfinished training."""
ORDERS = {"char": (7, 6, 8, 10), "word": (5,), "bpe": (5, 4, 6)}
"""Of the n-gram model: the one that suits the validation text, the first where there is none."""
SHOWN = {"char": 100, "word": 20, "bpe": 30}
SAMPLE = {"char": 300, "word": 60, "bpe": 100}
"""Tokens of the model's writing that are shown while it learns, and on the page."""
TEMPERATURES = (0.5, 0.8, 1.0)
PASSAGE = 900
"""Characters of the passage that is painted."""
DYNAMIC = ("perplexity", "bits_per_character", "next_token_accuracy")
"""The scores of a dynamic evaluation."""
CHECKED_TARGETS = 1 << 14
"""Targets that are read at once to check on the training."""
FEWEST_CHARACTERS = 2_000
"""Of a shorter text nothing is held out: it would say little."""


class LanguageModel(Estimator[Language, Scorer], config=LanguageConfig, kind="language"):
    """A recurrent language model: how likely a text is, and texts in the style of those it learned from.

        model = LanguageModel(level="char").fit(text)
        model.perplexity(other_text)
        print(model.generate("ROMEO:", length=500, temperature=0.8))

    Its options are the fields of `anaphora.tasks.language.task.LanguageConfig`.
    """

    examined_: LanguageScores | None = None
    """The text that `examine` or `evaluate` saw last, `fit`'s own validation text among them."""

    def fit(self, texts: str | Sequence[str] | Documents, validation: str | Sequence[str] | Documents = ()) -> Self:
        """Learn from a text, or from several documents. Needs the extra `train`.

        Without a `validation` text, the tail of the text is held out to check on, or some of many documents: the share
        that the option `validation` says. Raises OptionError and DataError for what it cannot use, TrainingFailed where
        the loss is no longer a number.
        """
        for _ in self.fit_events(texts, validation):
            pass
        return self

    def fit_events(
        self,
        texts: str | Sequence[str] | Documents,
        validation: str | Sequence[str] | Documents = (),
        partial: str | os.PathLike[str] | None = None,
    ) -> Generator[Event, None, None]:
        """`fit`, as a generator of the events in `anaphora.events`, for a progress bar or a plot.

        Closed or interrupted before its end, it leaves the best model so far as the fitted one. With `partial`, a
        folder, checkpoints are kept there, and an unfinished training of the same data and options is taken up where it
        stopped, to the same end as if it had not.
        """
        load_training()
        given = self._options()
        options = given.resolved(1)
        kept, held = documents_of(texts), documents_of(validation)
        several = len(list(islice(kept, 2))) > 1
        self.examined_ = None
        if isinstance(validation, tuple) and not validation:
            kept, held = held_out(kept, options.validation, np.random.default_rng(options.seed), FEWEST_CHARACTERS)
        yield Stage("reading the training text")
        task = Language.learn(options, kept, several)
        with room(partial) as folder:
            training = task.encode(kept, folder / "training.ids", cut=isinstance(kept, Stretch))
            checked = task.encode(held, folder / "validation.ids")
            if not training.characters or not training.targets:
                raise DataError("the text to learn from is empty")
            task = task.with_corpus(training, given)
            facts = {
                "tokens": training.targets,
                "validation_tokens": checked.targets,
                "characters": training.characters,
                "data_sha256": fingerprint(training, checked),
            }
            windows = Windows(training, options.streams(training.targets), options.window)
            yield Stage("fitting the n-gram model")
            order = ngram.best_order(training, checked, task.codec.size, ORDERS[options.level])
            baseline = ngram.to_files(training, order)
            checks = in_windows(checked)
            yield from self._train(
                task, windows, checks, facts, baseline, partial, show=lambda arrays: sample(task, arrays)
            )
            if checked.targets:
                yield Stage("scoring the validation text")
                self.annotate(validation=self._examined(checked).scores)

    @staticmethod
    def _make_runner(fitted: Bundle, precision: str) -> Scorer:
        return Scorer(cast(Language, fitted.task), fitted.arrays, precision)

    def perplexity(self, texts: str | Sequence[str] | Documents) -> float:
        """How many tokens the model wavers between, on average: exp of the mean surprise in nats."""
        return float(perplexity(self._runner.token_scores(self._corpus(texts)))["perplexity"])

    def evaluate(
        self, texts: str | Sequence[str] | Documents, streams: int | None = None, dynamic: bool = False
    ) -> dict[str, Any]:
        """`loss` (nats a token), `perplexity`, `bits_per_character`, `next_token_accuracy` and `n`, beside those
        of an n-gram model and of single tokens (`baselines`): see `report.scores.compare_readings`.
        `unknown_tokens` is the share that is read as `[UNK]`, `passages_seen` that of some passages which stand in the
        training text, too, as far as it is kept with the model: the last ten million tokens. `cleaned` says whether the
        text is cleaned before it is read.

        The text is read as `streams` parts side by side, each from no state: by default one for every 5,000 tokens, 8
        at most. With `dynamic` it is read once more, as one stream, by a copy of the model that learns from each part
        of it once it is scored (`anaphora.tasks.language.dynamic`): `dynamic` holds the perplexity, bits and accuracy
        of that. It needs the extra `train`.
        """
        return self.examine(texts, streams, dynamic).scores

    def examine(
        self,
        texts: str | Sequence[str] | Documents,
        streams: int | None = None,
        dynamic: bool = False,
        watch: Callable[[Sequence[Any], str], Iterable[Any]] | None = None,
    ) -> LanguageScores:
        """`evaluate`, with a painted passage and some writing: what `anaphora.tasks.language.page` makes a page of.

        The parts of a dynamic evaluation go through `watch(parts, "windows")`, which may count them.
        """
        learning = self._learning() if dynamic else None
        corpus = self._corpus(texts)
        reading = self._examined(corpus, streams)
        if learning:
            scores_N2 = learning(corpus, watch=watch)
            found = perplexity(scores_N2) | {
                "bits_per_character": bits_per_character(scores_N2[:, 0], corpus.characters)
            }
            reading.scores["dynamic"] = {name: found[name] for name in DYNAMIC}
        return reading

    def log_probabilities(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The log-probability (nats) of every token of each text, given those before it: a list of `[tokens]`."""
        return self._runner.log_probabilities(checked_texts(texts))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The mean of the highest layer's outputs over each text's tokens, `[N, H]`; zeros for an empty text."""
        return self._runner.embeddings(checked_texts(texts))

    def start(self, prompt: str = "", samples: int = 1) -> Writing:
        """A state of writing after a prompt, in which several samples stand side by side.

            state = model.start("It was")
            (text,) = state.write(100)      # state stands at its end
            other = state.copy()            # goes on from here on its own
            state.save("state")             # and model.resume("state"), another day

        Words or characters of the prompt that the model does not know are read as `[UNK]`.
        """
        return writing.start(self._runner, prompt, samples)

    def resume(self, file: str | os.PathLike[str]) -> Writing:
        """What `Writing.save` kept in a file. Raises DataError where it is not a state of this model."""
        return writing.resume(self._runner, file)

    def unknown(self, prompt: str) -> list[str]:
        """The words or characters of a prompt that the model does not know, and reads as `[UNK]`."""
        task = self._runner.task
        return task.codec.unknown(task.cleaned(replace_surrogates(prompt)))

    def generate(self, prompt: str = "", length: int = 200, *, stop: str | None = None, **sampling: Any) -> str:
        """What the model writes after a prompt: `length` tokens, fewer where a document ends or `stop` comes.

        Options: `temperature`, `top_k`, `top_p`, `repetition_penalty`, `seed`
        (`anaphora.runtime.decoding.sampling.Sampling`).
        """
        return "".join(self.stream(prompt, length, stop=stop, **sampling))

    def stream(self, prompt: str = "", length: int = 200, *, stop: str | None = None, **sampling: Any) -> Iterator[str]:
        """`generate`, as pieces of text that come while they are written."""
        for (piece,) in self.start(prompt).stream(length, stop=stop, **sampling):
            yield piece

    def _corpus(self, texts: str | Sequence[str] | Documents) -> Corpus:
        corpus = self._runner.task.encode(documents_of(texts))
        if not corpus.targets:
            raise DataError("the text to score is empty")
        return corpus

    def _learning(self) -> Callable[..., NDArray[np.float32]]:
        """What scores a corpus while learning from it. Raises MissingExtra, OptionError and BundleError."""
        dynamic, scorer = load_dynamic(), self._runner
        if native.resolve(scorer.precision) == "int8":
            raise OptionError(
                "precision='int8' does not learn: load the model with another one to score it dynamically"
            )
        training = self._training_text()
        return partial(
            dynamic.token_scores, scorer.task, self._fitted().arrays, training=training, precision=scorer.precision
        )

    def _training_text(self) -> Corpus | None:
        return ngram.training_text(self._fitted().baseline, self._runner.task.codec.size)

    def _examined(self, corpus: Corpus, streams: int | None = None) -> LanguageScores:
        scorer = self._runner
        scores_N2 = scorer.token_scores(corpus, streams)
        models = ngram.from_files(self._fitted().baseline, scorer.task.codec.size)
        theirs = {name: model.token_scores(corpus.ids, corpus.starts) for name, model in models.items()}
        own = perplexity(scores_N2) | {"unknown_tokens": corpus.count(UNKNOWN_ID) / corpus.targets}
        own["cleaned"] = scorer.task.options.cleans
        if training := self._training_text():
            own["passages_seen"] = share_found(corpus, training, SHOWN[scorer.task.options.level])
        scores = compare_readings(own, scores_N2[:, 0], theirs, corpus.characters)
        passage = self._passage(corpus, scores_N2[:, 0], theirs.get("ngram", scores_N2)[:, 0])
        samples = [
            (heat, self.generate(length=SAMPLE[scorer.task.options.level], temperature=heat)) for heat in TEMPERATURES
        ]
        self.examined_ = LanguageScores(scores, passage, samples)
        return self.examined_

    def _passage(self, corpus: Corpus, own_N: NDArray[Any], theirs_N: NDArray[Any]) -> list[tuple[str, float, float]]:
        """The first tokens of a corpus with their surprises."""
        decode, passage, characters = self._runner.task.codec.decoder(), [], 0
        places = corpus.places(np.arange(min(PASSAGE, corpus.targets)))
        for id, own, theirs in zip(corpus.ids[places].tolist(), own_N.tolist(), theirs_N.tolist(), strict=False):
            piece = UNKNOWN if id == UNKNOWN_ID else decode(id)
            passage.append((piece, -own, -theirs))
            characters += len(piece)
            if characters > PASSAGE:
                break
        return passage


def documents_of(texts: str | Sequence[str] | Documents) -> Documents:
    """A text, or several, as documents."""
    if isinstance(texts, str):
        return Texts([texts])
    if isinstance(texts, Texts | TextFiles | Column | Chain | Chosen | Stretch):
        return texts
    return Texts(checked_texts(cast(Iterable[str], texts)))


@contextmanager
def room(partial: str | os.PathLike[str] | None) -> Iterator[Path]:
    """A folder for token ids, within `partial` if there is one: of what was killed there, none is left."""
    if partial is None:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    own = Path(partial) / TOKEN_IDS
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True, exist_ok=True)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def in_windows(corpus: Corpus) -> Windows:
    """A text to check on: as many streams as are quick, and not so many that their beginnings count."""
    streams = max(1, min(32, corpus.targets // 2_000))
    return Windows(corpus, streams, CHECKED_TARGETS // streams)


def fingerprint(*corpora: Corpus) -> str:
    """SHA-256 of token ids and the documents' borders."""
    digest = hashlib.sha256()
    for corpus in corpora:
        digest.update(corpus.ids.data)
        digest.update(corpus.starts.data)
    return digest.hexdigest()


def sample(task: Language, arrays: Arrays) -> Iterator[Event]:
    """A sample of the text that the network generates."""
    (text,) = writing.start(Scorer(task, arrays), "", 1).write(SHOWN[task.options.level], temperature=0.8)
    yield Sample(text)


def load_dynamic() -> Any:
    """Dynamic evaluation, which trains, and needs torch."""
    load_training()
    from anaphora.tasks.language import dynamic

    return dynamic
