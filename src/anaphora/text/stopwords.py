"""Words that carry grammar more than meaning: a built-in English list, or a file of one's own."""

from pathlib import Path

from anaphora.errors import DataError

WORDS = """
a about above after again against all also am an and any are aren't as at be because been before being below between
both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each either else ever
few for from further get had hadn't has hasn't have haven't having he he'd he'll he's her here here's hers herself
him himself his how how's however i i'd i'll i'm i've if in into is isn't it it's its itself just let's me might
more most must mustn't my myself neither no nor not of off on once only or other ought our ours ourselves out over
own per same shall shan't she she'd she'll she's should shouldn't since so some such than that that's the their
theirs them themselves then there there's therefore these they they'd they'll they're they've this those though
through thus to too under until up upon us very was wasn't we we'd we'll we're we've were weren't what what's when
when's where where's whether which while who who's whom whose why why's will with within without won't would
wouldn't yet you you'd you'll you're you've your yours yourself yourselves
"""

ENGLISH = frozenset(WORDS.split())


def read_stopwords(choice: str) -> frozenset[str]:
    """The words of `none`, `english`, or a file with words between spaces or line ends. Raises DataError."""
    if choice in ("none", "english"):
        return ENGLISH if choice == "english" else frozenset()
    path = Path(choice)
    if not path.is_file():
        raise DataError(f"stopwords={choice!r} is neither none, english, nor a file")
    try:
        words = frozenset(path.read_text(encoding="utf-8").split())
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: the stopwords are not UTF-8 (byte {error.start})") from error
    if not words:
        raise DataError(f"{path} holds no stopwords; leave them in with --stopwords none")
    return words
