"""Recommendations of others: run by bench.quality, in a venv that has `implicit`.

Reads JSON from standard input: `done` ([user, item] before the split, by number), `users`, `items`, `trials` ([seeds,
had, wanted]). Writes by name the hit rates at 3 and at 10.
"""
# mypy: ignore-errors

from __future__ import annotations

import json
import sys

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from scipy.sparse import csr_matrix

SIZES = (3, 10)
NEIGHBOURS = 26


def main() -> None:
    given = json.load(sys.stdin)
    done = np.array(given["done"])
    shape = given["users"], given["items"]
    matrix = csr_matrix((np.ones(len(done)), (done[:, 0], done[:, 1])), shape=shape)
    matrix.data[:] = 1
    trials = given["trials"]
    popular = [int(item) for item in np.argsort(-matrix.sum(axis=0).A1, kind="stable")]
    found = {}
    for name, kind in (("cosine", CosineRecommender), ("TF-IDF", TFIDFRecommender), ("BM25", BM25Recommender)):
        model = kind(K=NEIGHBOURS)
        model.fit(matrix, show_progress=False)
        found[name] = rates(trials, [neighbours(model.similarity, popular, *trial[:2]) for trial in trials])
    whole = {
        "BM25, all that a user did": BM25Recommender(K=100),
        "ALS, all that a user did": AlternatingLeastSquares(factors=64, iterations=15, alpha=20, random_state=1),
    }
    for name, model in whole.items():
        model.fit(matrix, show_progress=False)
        found[name] = rates(trials, of_all(model, trials, given["items"]))
    json.dump(found, sys.stdout)


def neighbours(similarity: csr_matrix, popular: list[int], seeds: list[int], had: list[int]) -> list[int]:
    """By the same last items as ours, and what is popular after them."""
    total = {}
    for seed in seeds:
        at = slice(similarity.indptr[seed], similarity.indptr[seed + 1])
        for item, score in zip(similarity.indices[at], similarity.data[at], strict=True):
            total[int(item)] = total.get(int(item), 0.0) + score
    first = sorted((item for item in total if item not in had), key=lambda item: -total[item])[: max(SIZES)]
    return first + [item for item in popular[:100] if item not in had and item not in first]


def of_all(model: BM25Recommender | AlternatingLeastSquares, trials: list, items: int) -> list[list[int]]:
    rows = np.repeat(np.arange(len(trials)), [len(had) for _, had, _ in trials])
    columns = np.concatenate([had for _, had, _ in trials])
    of_users = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(trials), items))
    found = []
    for at in range(0, len(trials), 2000):
        some = np.arange(at, min(at + 2000, len(trials)))
        ids, _ = model.recommend(some, of_users[some], N=max(SIZES), recalculate_user=True)
        found += ids.tolist()
    return found


def rates(trials: list, recommended: list[list[int]]) -> dict[str, float]:
    return {
        str(k): sum(
            not set(wanted).isdisjoint(first[:k]) for (_, _, wanted), first in zip(trials, recommended, strict=True)
        )
        / len(trials)
        for k in SIZES
    }


if __name__ == "__main__":
    main()
