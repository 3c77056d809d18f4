"""The estimator of language models."""

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
from anaphora.tasks.language import generate, ngram
from anaphora.tasks.language.corpus import Corpus
from anaphora.tasks.language.documents import Chain, Chosen, Column, Documents, Stretch, TextFiles, Texts, held_out
from anaphora.tasks.language.generate import Generation
from anaphora.tasks.language.overlap import passages_seen
from anaphora.tasks.language.scorer import Scorer
from anaphora.tasks.language.scores import LanguageScores, bits_per_character, compare
from anaphora.tasks.language.task import Language, LanguageConfig, perplexity
from anaphora.tasks.language.windows import Windows
from anaphora.text.tokenize import UNKNOWN, UNKNOWN_ID

NGRAM_ORDERS = {"char": (7, 6, 8, 10), "word": (5,), "bpe": (5, 4, 6)}
"""Orders of the n-gram model: the best on the validation text is used; without validation text, the first."""
EPOCH_SAMPLE = {"char": 100, "word": 20, "bpe": 30}
"""Tokens of the sample that is shown after an epoch."""
PAGE_SAMPLE = {"char": 300, "word": 60, "bpe": 100}
"""Tokens of each sample on the page."""
TEMPERATURES = (0.5, 0.8, 1.0)
PASSAGE = 900
"""Characters of the passage on the page."""
DYNAMIC_SCORES = ("perplexity", "bits_per_character", "next_token_accuracy")
VALIDATION_TARGETS = 1 << 14
"""Targets of a validation batch."""
MIN_CHARACTERS = 2_000
"""Nothing is held out of a shorter text: the scores would be noise."""
TOKEN_IDS = "token-ids"
"""The folder of token ids, within that of an unfinished training."""

TextInput = str | Sequence[str] | Documents


class LanguageModel(Estimator[Language, Scorer], config=LanguageConfig, kind="language"):
    """A recurrent language model: log-probabilities of texts, embeddings of texts, and generated text.

        model = LanguageModel(level="char").fit(text)
        model.perplexity(other_text)
        print(model.generate("ROMEO:", length=500, temperature=0.8))

    Its options are the fields of `anaphora.tasks.language.task.LanguageConfig`.
    """

    examined_: LanguageScores | None = None

    def fit(self, texts: TextInput, validation: TextInput = ()) -> Self:
        """Fit on a text, or on several documents. Needs the extra `train`.

        Without a `validation` text, the tail of the text is held out to validate on, or some of many documents: the
        share is the option `validation`. Raises OptionError and DataError for options and data that it cannot use,
        TrainingFailed when the loss is not a number.
        """
        for _ in self.fit_events(texts, validation):
            pass
        return self

    def fit_events(
        self, texts: TextInput, validation: TextInput = (), partial: str | os.PathLike[str] | None = None
    ) -> Generator[Event, None, None]:
        """`fit` as a generator of `anaphora.events`, for a progress bar or a plot.

        If it is closed or interrupted, the best model so far is the fitted one. With `partial`, a folder, checkpoints
        are kept there, and an unfinished training of the same data and options continues where it stopped, with the
        result of an uninterrupted one.
        """
        load_training()
        asked = self._options()
        options = asked.resolved(1)
        kept, held = as_documents(texts), as_documents(validation)
        several = len(list(islice(kept, 2))) > 1
        self.examined_ = None
        if isinstance(validation, tuple) and not validation:
            kept, held = held_out(kept, options.validation, np.random.default_rng(options.seed), MIN_CHARACTERS)
        yield Stage("reading the training text")
        task = Language.learn(options, kept, several)
        with token_folder(partial) as folder:
            training = task.encode(kept, folder / "training.ids", cut=isinstance(kept, Stretch))
            checks = task.encode(held, folder / "validation.ids")
            if not training.characters or not training.targets:
                raise DataError("the training text is empty")
            task = task.with_corpus(training, asked)
            facts = {
                "tokens": training.targets,
                "validation_tokens": checks.targets,
                "characters": training.characters,
                "data_sha256": fingerprint(training, checks),
            }
            windows = Windows(training, options.streams(training.targets), options.window)
            yield Stage("fitting the n-gram model")
            order = ngram.best_order(training, checks, task.codec.size, NGRAM_ORDERS[options.level])
            baseline = ngram.to_files(training, order)

            def show(arrays: Arrays) -> Iterator[Event]:
                state = generate.start(Scorer(task, arrays), "", 1)
                (text,) = state.write(EPOCH_SAMPLE[options.level], temperature=0.8)
                yield Sample(text)

            yield from self._train(task, windows, validation_windows(checks), facts, baseline, partial, show)
            if checks.targets:
                yield Stage("scoring the validation text")
                self.annotate(validation=self._examine(checks).scores)

    @staticmethod
    def _make_runner(fitted: Bundle, precision: str) -> Scorer:
        return Scorer(cast(Language, fitted.task), fitted.arrays, precision)

    def perplexity(self, texts: TextInput) -> float:
        """Exp of the mean of minus the log-probability of a token, in nats."""
        return float(perplexity(self._runner.token_scores(self._corpus(texts)))["perplexity"])

    def evaluate(self, texts: TextInput, streams: int | None = None, dynamic: bool = False) -> dict[str, Any]:
        """`loss` (nats per token), `perplexity`, `bits_per_character`, `next_token_accuracy` and `n`; `baselines` has
        those of an n-gram model and of single tokens (`tasks.language.scores.compare`). `unknown_tokens` is the share
        that is read as `[UNK]`, `passages_seen` the share of sampled passages that are in the training text, of which
        the last ten million tokens are saved with the model. `cleaned` says whether the text is cleaned before it is
        scored.

        The text is read as `streams` parallel parts, each from the zero state: by default one for every 5,000 tokens,
        at most 8. With `dynamic` it is read once more, as one stream, by a copy of the model that learns from each part
        after the part is scored (`tasks.language.dynamic`): `dynamic` holds the perplexity, bits and accuracy of that.
        It needs the extra `train`.
        """
        return self.examine(texts, streams, dynamic).scores

    def examine(
        self,
        texts: TextInput,
        streams: int | None = None,
        dynamic: bool = False,
        watch: Callable[[Sequence[Any], str], Iterable[Any]] | None = None,
    ) -> LanguageScores:
        """`evaluate`, with a passage, samples, the tables and the page (`tasks.language.scores`).

        The windows of a dynamic evaluation go through `watch(windows, "windows")`, which may show progress.
        """
        dynamic_scores = self._dynamic_scores() if dynamic else None
        corpus = self._corpus(texts)
        examined = self._examine(corpus, streams)
        if dynamic_scores:
            scores_N2 = dynamic_scores(corpus, watch=watch)
            bits = bits_per_character(scores_N2[:, 0], corpus.characters)
            scores = perplexity(scores_N2) | {"bits_per_character": bits}
            examined.scores["dynamic"] = {name: scores[name] for name in DYNAMIC_SCORES}
        return examined

    def log_probabilities(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The log-probability (nats) of every token of each text, given those before it: a list of `[tokens]`."""
        return self._runner.log_probabilities(checked_texts(texts))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The mean of the top layer's outputs over each text's tokens, `[N, H]`; zeros for an empty text."""
        return self._runner.embeddings(checked_texts(texts))

    def start(self, prompt: str = "", samples: int = 1) -> Generation:
        """The state after a prompt, from which several samples are generated in parallel.

            state = model.start("It was")
            (text,) = state.write(100)      # the state is now after the text
            other = state.copy()            # continues independently
            state.save("state")             # and model.resume("state") continues later

        Words or characters of the prompt that are not in the vocabulary are read as `[UNK]`.
        """
        return generate.start(self._runner, prompt, samples)

    def resume(self, file: str | os.PathLike[str]) -> Generation:
        """The state that `Generation.save` wrote. Raises DataError where it is not a state of this model."""
        return generate.resume(self._runner, file)

    def unknown(self, prompt: str) -> list[str]:
        """The words or characters of a prompt that are not in the vocabulary."""
        return self._task.codec.unknown(self._task.cleaned(replace_surrogates(prompt)))

    def generate(self, prompt: str = "", length: int = 200, *, stop: str | None = None, **sampling: Any) -> str:
        """A continuation of the prompt: `length` tokens, fewer where the document ends or the text `stop` follows.

        Options: `temperature`, `top_k`, `top_p`, `repetition_penalty`, `seed`
        (`anaphora.runtime.decoding.sampling.Sampling`).
        """
        return "".join(self.stream(prompt, length, stop=stop, **sampling))

    def stream(self, prompt: str = "", length: int = 200, *, stop: str | None = None, **sampling: Any) -> Iterator[str]:
        """`generate`, as pieces of text while they are generated."""
        for (piece,) in self.start(prompt).stream(length, stop=stop, **sampling):
            yield piece

    def _corpus(self, texts: TextInput) -> Corpus:
        corpus = self._task.encode(as_documents(texts))
        if not corpus.targets:
            raise DataError("the text to score is empty")
        return corpus

    def _dynamic_scores(self) -> Callable[..., NDArray[np.float32]]:
        """`dynamic.token_scores` of this model. Raises MissingExtra, OptionError and BundleError."""
        dynamic, precision = load_dynamic(), self._runner.precision
        if native.resolve(precision) == "int8":
            raise OptionError("precision='int8' cannot be trained: load the model with another one for dynamic=True")
        return partial(
            dynamic.token_scores,
            self._task,
            self._fitted().arrays,
            training=self._training_text(),
            precision=precision,
        )

    def _training_text(self) -> Corpus | None:
        return ngram.training_text(self._fitted().baseline, self._task.codec.size)

    def _examine(self, corpus: Corpus, streams: int | None = None) -> LanguageScores:
        level = self._task.options.level
        scores_N2 = self._runner.token_scores(corpus, streams)
        models = ngram.from_files(self._fitted().baseline, self._task.codec.size)
        baselines = {name: model.token_scores(corpus.ids, corpus.starts) for name, model in models.items()}
        network = perplexity(scores_N2) | {"unknown_tokens": corpus.count(UNKNOWN_ID) / corpus.targets}
        network["cleaned"] = self._task.options.cleans
        if training := self._training_text():
            network["passages_seen"] = passages_seen(corpus, training, EPOCH_SAMPLE[level])
        scores = compare(network, scores_N2[:, 0], baselines, corpus.characters)
        passage = self._passage(corpus, scores_N2[:, 0], baselines.get("ngram", scores_N2)[:, 0])
        samples = [
            (temperature, self.generate(length=PAGE_SAMPLE[level], temperature=temperature))
            for temperature in TEMPERATURES
        ]
        self.examined_ = LanguageScores(scores, passage, samples)
        return self.examined_

    def _passage(
        self, corpus: Corpus, network_N: NDArray[Any], ngram_N: NDArray[Any]
    ) -> list[tuple[str, float, float]]:
        """The first tokens of a corpus with their nats."""
        decode, passage, characters = self._task.codec.decoder(), [], 0
        indices = corpus.indices(np.arange(min(PASSAGE, corpus.targets)))
        for id, network, baseline in zip(
            corpus.ids[indices].tolist(), network_N.tolist(), ngram_N.tolist(), strict=False
        ):
            piece = UNKNOWN if id == UNKNOWN_ID else decode(id)
            passage.append((piece, -network, -baseline))
            characters += len(piece)
            if characters > PASSAGE:
                break
        return passage


def load_dynamic() -> Any:
    """Dynamic evaluation, and with it torch; loaded on first use."""
    load_training()
    from anaphora.tasks.language import dynamic

    return dynamic


def as_documents(texts: TextInput) -> Documents:
    """A text, or several, as documents."""
    if isinstance(texts, str):
        return Texts([texts])
    if isinstance(texts, Texts | TextFiles | Column | Chain | Chosen | Stretch):
        return texts
    return Texts(checked_texts(cast(Iterable[str], texts)))


@contextmanager
def token_folder(partial: str | os.PathLike[str] | None) -> Iterator[Path]:
    """A temporary folder for token ids, within `partial` if it is given; what a killed training left there is
    deleted.
    """
    if partial is None:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    ids = Path(partial) / TOKEN_IDS
    shutil.rmtree(ids, ignore_errors=True)
    ids.mkdir(parents=True, exist_ok=True)
    try:
        yield ids
    finally:
        shutil.rmtree(ids, ignore_errors=True)


def validation_windows(corpus: Corpus) -> Windows:
    """The validation text as streams: many for speed, but few enough that their beginnings hardly change the score."""
    streams = max(1, min(32, corpus.targets // 2_000))
    return Windows(corpus, streams, VALIDATION_TARGETS // streams)


def fingerprint(*corpora: Corpus) -> str:
    """SHA-256 of token ids and document boundaries."""
    digest = hashlib.sha256()
    for corpus in corpora:
        digest.update(corpus.ids.data)
        digest.update(corpus.starts.data)
    return digest.hexdigest()
