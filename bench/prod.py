"""The settings of stage prod, which the bench measures. They come with the CDK, which takes a second to import."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.stages import Stage


@cache
def prod() -> Stage:
    from infra.stages import stage_from  # noqa: PLC0415 (where somebody asks for them)

    return stage_from({"stage": "prod"}.get)


def memory_mb(function: str) -> int:
    return {"join": prod().join_memory_mb, "sweep": 512, "deliver": 1024}[function]
