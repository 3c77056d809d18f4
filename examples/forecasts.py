"""Forecasts with their fans, beside repeating the last value, the value a season before and a linear autoregression.

    python examples/forecasts.py airline-passengers.csv --time Month --value Passengers --horizon 12
    python examples/forecasts.py daily-min-temperatures.csv --time Date --value Temp --horizon 7 --lookback 28

The last third of the series (--test-size) is held out, and foretold from every origin in it. The network is trained
once, and reads at each origin what came before. The page forecasts.html draws some of them.

Printed on 2026-11-28 (AMD EPYC), passengers and temperatures, each before a sentence on what of it may be chance:

    37 windows, 12 steps ahead; mean absolute errors
      network     15.004
      last        70.626   network -55.622
      seasonal    35.543   network -20.539
      linear      16.341   network -1.337

    1,199 windows, 7 steps ahead; mean absolute errors
      network      2.068
      last         2.707   network -0.640
      seasonal     2.860   network -0.792
      linear       2.121   network -0.053
"""

import argparse
from pathlib import Path
from typing import Any

from anaphora import Forecaster
from anaphora.tasks.forecast.page import page
from anaphora.tasks.forecast.series import Series, read_series


def main(series: list[Series], test_size: float, out: Path | None, **options: Any) -> dict[str, Any]:
    ends = [round(len(one) * (1 - test_size)) for one in series]
    model = Forecaster(**options).fit([one.until(end) for one, end in zip(series, ends, strict=True)])
    backtest = model.backtest(series, ends)
    scores = backtest.scores
    print(f"{scores['windows']:,} windows, {scores['horizon']} steps ahead; mean absolute errors")
    print(f"  network   {scores['mae']:8.3f}")
    for name, own in scores["baselines"].items():
        print(f"  {name:<9} {own['mae']:8.3f}   network {scores['mae'] - own['mae']:+.3f}")
    print(scores["verdict"])
    if out:
        out.write_text(page(backtest, model.bundle_.training, "held-out end"), encoding="utf-8")
        print(f"The page is in {out}")
    return scores


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--time", required=True)
    parser.add_argument("--value", required=True)
    parser.add_argument("--horizon", type=int, required=True)
    parser.add_argument("--lookback", type=int)
    parser.add_argument("--test-size", type=float, default=0.33)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    read = read_series(given.file, given.time, [given.value], gaps="interpolate")
    options = {name: getattr(given, name) for name in ("horizon", "lookback", "seed")}
    main(read, given.test_size, Path("forecasts.html"), **options)
