"""Forecasts of ETTh1 (electricity transformer temperatures, hourly; Zhou et al. 2021) on its usual parts.

    python bench/forecasting.py ETTh1.csv

Twelve months to learn from, four to choose the epoch by, four to score on; of the 96 hours before, 96 or 192 are
foretold, from every hour. The squared error is of values scaled by the first twelve months, as papers have it. `OT` is
the oil temperature alone, `all` are the seven columns, which share a network. Everything else is left to its default.
"""

import argparse
import time
from pathlib import Path

from layers import today

from anaphora import Forecaster
from anaphora.tasks.forecast.series import read_series

MONTH = 30 * 24
COLUMNS = {"OT": ["OT"], "all": ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]}
BASELINES = ("last", "seasonal", "linear")


def main(file: Path, chosen: list[str], horizons: list[int], seed: int) -> None:
    print(today())
    print(f"\n| columns | hours | network | {' | '.join(BASELINES)} | 80 % holds | seconds |")
    print("|---|---|---|" + "---|" * (len(BASELINES) + 2))
    for name in chosen:
        series = [one.until(20 * MONTH) for one in read_series(file, "date", COLUMNS[name])]
        for horizon in horizons:
            model = Forecaster(horizon=horizon, lookback=96, season=24, seed=seed)
            began = time.perf_counter()
            for _ in model.fit_events([one.until(16 * MONTH) for one in series], valid_from=12 * MONTH):
                pass
            seconds = time.perf_counter() - began
            scores = model.evaluate(series, begin=16 * MONTH)
            errors = [scores["mse_scaled"], *(scores["baselines"][other]["mse_scaled"] for other in BASELINES)]
            cells = " | ".join(f"{error:.4f}" for error in errors)
            print(f"| {name} | {horizon} | {cells} | {scores['coverage']['0.8']:.0%} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--columns", nargs="+", choices=COLUMNS, default=list(COLUMNS))
    parser.add_argument("--horizons", type=int, nargs="+", default=[96, 192])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    main(given.file, given.columns, given.horizons, given.seed)
