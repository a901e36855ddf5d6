"""The quality of recommendations, compared with other libraries' and plain popularity, on fourteen made-up shops.

python -m bench.quality [--only NAME]
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import typer

from bench.worlds import WORLDS, World, history
from holdfast.core.recommend.evaluation import SIZES, Done, Trial, evaluate, trials
from holdfast.core.recommend.history import Row
from holdfast.core.recommend.item_to_item import grouped
from holdfast.core.recommend.ranking import POPULAR, Recommender
from holdfast.services.build_engines import Duck
from holdfast_cli.output import print_rows, progress

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".cache" / "tools" / "quality"
NOW = 1_790_000_000_000
SPLIT = 0.8
"""The share of what was done that is built from."""
PATH = "item"
OURS, POPULARITY = "Holdfast", "popularity"


def main(*, only: str = "") -> None:
    """One row for each shop: the best of the others, and ours, at 3 and at 10 recommendations."""
    subprocess.run(["make", "--silent", str(VENV.relative_to(ROOT))], cwd=ROOT, check=True)  # noqa: S603, S607
    rows = []
    chosen = [world for world in WORLDS if only in world.name]
    with progress("shops", len(chosen)) as bar:
        for world in chosen:
            rows.append(_row(world))
            bar.advance(bar.task_ids[0])
    print_rows(rows, list(rows[0]), as_json=False)


def _row(world: World) -> dict[str, Any]:
    done = sorted(set(history(world)))
    split = sorted(each.at for each in done)[int(SPLIT * len(done))]
    asked = list(trials(done, split))
    found = _ours(done, split, asked, world) | _others(done, split, asked, world)
    row: dict[str, Any] = {"shop": world.name}
    for k in map(str, SIZES):
        best = max((name for name in found if name != OURS), key=lambda name: found[name][k])
        row |= {
            f"Holdfast @{k}": f"{found[OURS][k]:.3f}",
            f"best other @{k}": f"{found[best][k]:.3f} ({best})",
            f"ratio @{k}": f"{found[OURS][k] / found[best][k]:.2f}",
        }
    return row


def _ours(done: list[Done], split: int, asked: list[Trial], world: World) -> dict[str, dict[str, float]]:
    recommender = Recommender(id="quality", catalog="products", did={"done": PATH}, popular=True)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as directory:
        file = Path(directory) / "events.json"
        file.write_text("".join(Row(each.who, "done", PATH, each.item, NOW + each.at).line() for each in done))
        duck = Duck(Path(directory))
        duck.load(file)
        built = dict(grouped(duck.find(recommender, NOW + split)))
        duck.close()
    popular = built.pop(POPULAR)
    evaluation = evaluate(asked, built, popular, items=world.items, fallback=True)
    scores = {OURS: evaluation.recommended, POPULARITY: evaluation.popular}
    return {name: {str(k): score.hits[k] / len(asked) for k in SIZES} for name, score in scores.items()}


def _others(done: list[Done], split: int, asked: list[Trial], world: World) -> dict[str, dict[str, float]]:
    given = {
        "users": world.users,
        "items": world.items,
        "done": [[int(each.who[1:]), int(each.item)] for each in done if each.at < split],
        "trials": [[list(map(int, items)) for items in trial] for trial in asked],
    }
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    answer = subprocess.run(  # noqa: S603  (our own)
        [str(VENV / "bin" / "python"), str(Path(__file__).with_name("quality_others.py"))],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        env=os.environ | one_thread,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, float]] = json.loads(answer.stdout)
    return found


if __name__ == "__main__":
    typer.run(main)
