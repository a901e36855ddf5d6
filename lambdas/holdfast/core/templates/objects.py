"""The objects that a template may name."""

from __future__ import annotations

from typing import Final

OBJECTS: Final = {"Profile": "first_name", "Event": "price", "Campaign": "name"}
"""The objects, of which a template names properties, each with an example for messages."""

EVENTS: Final = "Events"
"""The triggers of a summary, newest first."""

CONSTANT: Final = "ConstantEventProperty"
"""A property that a template names as it is: a scalar, or a list of them."""

TRIGGERED, DECIDED = "TriggeredAt", "DecidedAt"
"""When the trigger happened, and when it was decided to send: ISO 8601 in UTC. There is no other clock."""

AS_THEY_ARE: Final = (CONSTANT, TRIGGERED, DECIDED)

CATALOG: Final = "Catalog"
"""The rows of the catalogs that the campaign maps; in a summary, lists of them."""

RECOMMENDATIONS: Final = "Recommendations"
"""Lists of catalog rows, by recommendation."""

ROWS: Final = (CATALOG, RECOMMENDATIONS)

NAMES: Final = (*OBJECTS, EVENTS, *AS_THEY_ARE, *ROWS)
