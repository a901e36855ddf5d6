"""The costs of hostile templates before they are stopped: `make attacks`.

CPU milliseconds of compiling and rendering without, and the peak of memory with `tracemalloc`, of the attacks that the
tests refuse or withhold.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import typer

from holdfast.core.templates.templates import Template, TemplateError, Withheld
from holdfast_cli.output import Json, print_rows
from tests.unit.test_templates import HOSTILE, REFUSED_ATTACKS, WITHHELD_ATTACKS


def main(*, json: Json = False) -> None:
    """Print for each attack how it ended, after how long, and with how much memory."""
    rows = [_row(name, source) for name, source in [*REFUSED_ATTACKS.items(), *WITHHELD_ATTACKS.items()]]
    print_rows(rows, ["attack", "cpu_ms", "peak_mb", "ended"], as_json=json, title="Templates that attack")


def _row(name: str, source: str) -> dict[str, Any]:
    begun = time.process_time()
    ended = _attack(source)
    cpu_ms = (time.process_time() - begun) * 1000
    tracemalloc.start()
    _attack(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"attack": name, "cpu_ms": round(cpu_ms), "peak_mb": round(peak / 2**20, 1), "ended": ended}


def _attack(source: str) -> str:
    try:
        Template.compile(source).render(HOSTILE)
    except TemplateError as error:
        return f"refused: {str(error)[:80]}"
    except Withheld as withheld:
        return f"withheld: {withheld.reason[:80]}"
    return "NOT STOPPED"


if __name__ == "__main__":
    typer.run(main)
