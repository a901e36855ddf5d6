"""Amazon Personalize, as another provider of recommendations: asked while a message is rendered, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.core.recommend.ranking import Recommended

CALLS = 2
PAUSE_SECONDS = 30.0
"""How long it is not asked again after it has failed: until then messages do without, and are not held up."""


class Personalize:
    """`client` itself must not retry, and be quick to give up: that is done here, once."""

    def __init__(self, client: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._again_at: float | None = None

    def recommend(self, arn: str, user: str, recent: Sequence[str], number: int) -> list[Recommended] | None:
        """The recommended items for a user; for an item-to-item recommender, for the latest of `recent`. None if there
        is no answer.
        """
        if self._again_at is not None and self._clock() < self._again_at:
            return None
        of = "recommenderArn" if ":recommender/" in arn else "campaignArn"
        asked: dict[str, Any] = {of: arn, "userId": user, "numResults": number}
        if recent:
            asked["itemId"] = recent[0]
        for _ in range(CALLS):
            try:
                answer = self._client.get_recommendations(**asked)
            except (ClientError, BotoCoreError):
                continue
            self._again_at = None
            because = recent[0] if recent else ""
            return [
                Recommended(each["itemId"], each.get("score", 0.0), 0, because)
                for each in answer["itemList"]
                if each.get("itemId")
            ]
        self._again_at = self._clock() + PAUSE_SECONDS
        return None
