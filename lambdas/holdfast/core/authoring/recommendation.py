"""A recommendation as its owner writes it: the model that validates the file, and the recommender made of it."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from holdfast.core.authoring.basics import Duration, Path, Text, fail
from holdfast.core.authoring.parts import Model
from holdfast.core.events import event_key
from holdfast.core.recommend import ranking as recommendations
from holdfast.core.recommend.ranking import Recommender

MOST = 20
"""Items that a recommendation may name: what is kept for each item has a few more, for what filters take away."""


def _values(value: object) -> object:
    """One value or several, as text: a catalog's columns are compared as strings."""
    many = value if isinstance(value, list) else [value]
    return [_text(each) for each in many]


def _text(value: object) -> object:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return value


def _some_time(value: int) -> int:
    if value < recommendations.SHORTEST_MS:
        msg = "a day is the shortest"
        raise ValueError(msg)
    return value


Paths: TypeAlias = Annotated[dict[Text, Path], Field(max_length=10)]
Columns: TypeAlias = dict[
    Text,
    Annotated[
        list[Text],
        Field(min_length=1, max_length=100),
        BeforeValidator(_values, json_schema_input_type=str | float | bool | list[str | float | bool]),
    ],
]


class Recommendation(Model):
    """A recommendation file."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: Text | None = None
    catalog: Text
    did: Annotated[Paths, Field(min_length=1)]
    lookback: Annotated[Duration, AfterValidator(_some_time)] = recommendations.LOOKBACK_MS
    min_support: Annotated[int, Field(ge=1, le=1000)] = recommendations.MIN_SUPPORT
    include: Columns = Field(default_factory=dict)
    exclude: Columns = Field(default_factory=dict)
    exclude_done: Paths = Field(default_factory=dict)
    limit: Annotated[int, Field(ge=1, le=MOST)] = recommendations.LIMIT
    fallback: Literal["popular", "none"] = "none"
    personalize: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^arn:aws[a-z-]*:personalize:[a-z0-9-]+:[0-9]{12}:(recommender|campaign)/[a-zA-Z0-9_-]+$"
            ),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _events_are_named_once(self) -> Recommendation:
        for field, paths in (("did", self.did), ("exclude_done", self.exclude_done)):
            seen: set[str] = set()
            for name in paths:
                if event_key(name) in seen:
                    fail((field, name), f"{name!r} is named twice: case and spaces do not matter")
                seen.add(event_key(name))
        return self

    def plan(self, revision: int = 1) -> Recommender:
        """The part of this revision that join, the build and deliver need."""
        return Recommender(
            id=self.id,
            revision=revision,
            name=self.name or self.id,
            catalog=self.catalog,
            names={event_key(name): name for name in (*self.did, *self.exclude_done)},
            did={event_key(name): path for name, path in self.did.items()},
            lookback=self.lookback,
            min_support=self.min_support,
            include={column: tuple(values) for column, values in self.include.items()},
            exclude={column: tuple(values) for column, values in self.exclude.items()},
            exclude_done={event_key(name): path for name, path in self.exclude_done.items()},
            limit=self.limit,
            popular=self.fallback == "popular",
            personalize=self.personalize,
        )
