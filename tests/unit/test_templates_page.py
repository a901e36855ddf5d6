"""docs/templates.md: each example is run, and no filter, tag, language or limit is missing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from holdfast.core.templates.bounds import MAX_OUTPUT, MAX_TURNS, MAX_WORK, SECRET, TAGS
from holdfast.core.templates.elsewhere import IDIOMS, Idiom, advice, page
from holdfast.core.templates.errors import TemplateError
from holdfast.core.templates.filters import FILTERS
from holdfast.core.templates.locales import LANGUAGES
from holdfast.core.templates.objects import NAMES
from holdfast.core.templates.shorthand import MAX_MARKUP, to_liquid
from holdfast.core.templates.templates import MAX_SOURCE, Template

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
CONTEXT: dict[str, Any] = YAML(typ="safe").load(PAGE.split("```yaml\n")[1].split("```")[0])
LINES = [line for block in re.findall(r"```liquid\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
EXAMPLES = [(source, printed) for source, _, printed in (line.rpartition(" → ") for line in LINES)]


def plain(text: str) -> str:
    """Without the no-break spaces, which a reader of the page cannot see, and the space at its ends."""
    return text.replace("\u00a0", " ").strip()


@pytest.mark.parametrize(("source", "printed"), EXAMPLES, ids=[source for source, _ in EXAMPLES])
def test_an_example_prints_what_the_page_says(source: str, printed: str) -> None:
    assert plain(Template.compile(source).render({**CONTEXT, SECRET: "the stage's secret"})) == plain(printed)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_has_an_example(name: str) -> None:
    assert any(re.search(rf"\| {name}\b", source) for source, _ in EXAMPLES)


@pytest.mark.parametrize("name", sorted(TAGS))
def test_every_tag_has_an_example(name: str) -> None:
    assert any(f"{{% {name} " in source or f"{{% {name}%" in source for source, _ in EXAMPLES)


@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_on_the_page(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", PAGE, re.MULTILINE)


def test_the_short_forms_are_what_the_page_says() -> None:
    (block,) = re.findall(r"```text\n(@.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines():
        short, long = re.split(r"\s{2,}", line)
        written = to_liquid(short, ["added to cart"], ["products"])
        assert re.sub(r'\["(\w+)"\](?!\])', r".\1", written.replace('Catalog["products"]', "Catalog")) == long.replace(
            'Catalog["products"]', "Catalog"
        )


def test_the_languages_are_those_that_are_shipped() -> None:
    (listed,) = re.findall(r"with all their regions: ([a-z,\s]+)\.", PAGE)
    assert set(listed.replace(",", " ").split()) == set(LANGUAGES)


@pytest.mark.parametrize("limit", [MAX_SOURCE, MAX_MARKUP, MAX_OUTPUT, MAX_TURNS, MAX_WORK])
def test_the_limits_are_those_of_the_code(limit: int) -> None:
    assert re.search(rf"\| {limit:,} \|$", PAGE, re.MULTILINE)


def test_the_page_on_other_tools_is_the_table_that_errors_use() -> None:
    text = (Path(__file__).parents[2] / "docs" / "from-other-tools.md").read_text(encoding="utf-8")
    assert text.split("<!-- idioms: begin -->\n\n")[1].split("\n<!-- idioms: end -->")[0] == page()


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: f"{idiom.tool}: {idiom.there}")
def test_every_idiom_of_another_tool_is_recognised_as_its_own(idiom: Idiom) -> None:
    assert (advice(idiom.there) or "").startswith((f"{idiom.tool}'s ", f"{idiom.tool}' "))


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: f"{idiom.tool}: {idiom.there}")
def test_a_template_with_an_idiom_of_another_tool_is_refused_with_what_to_write(idiom: Idiom) -> None:
    with pytest.raises(TemplateError) as refused:
        Template.compile(idiom.there)
    assert str(advice(idiom.there)) in str(refused.value)


@pytest.mark.parametrize(
    "source",
    ["{{ Event.price | upcas }}", "{{ 'Buy now' | upcas }}", "{% iff x %}", "{{ Profile.first_name | default }}"],
)
def test_what_is_no_idiom_of_another_tool_gets_no_advice(source: str) -> None:
    assert advice(source) is None


def written(idiom: Idiom) -> str:
    return (advice(idiom.there) or "").partition(" is written: ")[2]


_ENDS = {"if": "{% endif %}", "unless": "{% endunless %}", "for": "{{ item }}{% endfor %}", "case": "{% endcase %}"}
_PROSE = ("nothing", "a link", "the text", "the URL", "one {%", "straight quotes")
"""How advice begins that is no code."""


@pytest.mark.parametrize(
    "idiom",
    [each for each in IDIOMS if not written(each).startswith(_PROSE)],
    ids=lambda idiom: f"{idiom.tool}: {idiom.there}",
)
def test_what_to_write_instead_is_taken(idiom: Idiom) -> None:
    """Where it stands for an opening, or for something inside, that is closed, or stands inside."""
    code = re.split(r", (?!\d)|; ", written(idiom))[0].replace("…", "x")
    if code.startswith(("{% else", "{% elsif", "{% endif")):
        body, code = ("", code) if "endif" in code else ("x{% endif %}", code.replace("elsif x", "elsif Event.x"))
        code = "{% if Event.a %}" + code + body
    elif code.startswith("{%"):
        name = code.split()[1]
        code += "" if f"end{name}" in code else _ENDS.get(name, "")
    elif not code.startswith("{{"):
        code = f"{{{{ Event.x {code} }}}}" if code.startswith("|") else f"{{{{ {code} }}}}"
    source = (
        "{% assign n = 0 %}{% for item in Event.items %}"
        + code.replace("a == b", "Event.a == Event.b")
        + ".{% endfor %}"
    )
    Template.compile(source, catalogs=["products"])
