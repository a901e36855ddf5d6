r"""Names and idioms of other tools' templates, and what is written here: for errors, and for the page in the docs.

Of each row, `pattern` finds the idiom and `here` says what to write (`\1` is the pattern's first group). The first row
that fits is the one that is shown, so particular idioms come before general ones.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple


class Idiom(NamedTuple):
    tool: str
    there: str
    """An example, as that tool's documentation writes it."""
    pattern: str
    here: str
    names: bool = False
    """A mere name, which is advised upon only where it is not known."""


_NO_PARTIALS = "nothing is included; write the text into the value"

IDIOMS: Final = (
    # Braze: Liquid, with its own ${…}
    Idiom("Braze", "{{custom_attribute.${city}}}", r"custom_attribute\.\$\{([^}]+)\}", r"Profile.\1"),
    Idiom("Braze", "{{event_properties.${price}}}", r"event_properties\.\$\{([^}]+)\}", r"Event.\1"),
    Idiom("Braze", "{{canvas_entry_properties.${price}}}", r"canvas_entry_properties\.\$\{([^}]+)\}", r"Event.\1"),
    Idiom("Braze", "{{context.${price}}}", r"context\.\$\{([^}]+)\}", r"Event.\1"),
    Idiom("Braze", "{{api_trigger_properties.${price}}}", r"api_trigger_properties\.\$\{([^}]+)\}", r"Event.\1"),
    Idiom("Braze", "{{campaign.${name}}}", r"(?:campaign|canvas)\.\$\{([^}]+)\}", r"Campaign.name"),
    Idiom("Braze", "{{content_blocks.${footer}}}", r"content_blocks\.\$\{", _NO_PARTIALS),
    Idiom("Braze", "{{${first_name}}}", r"\$\{([^}]+)\}", r"Profile.\1"),
    Idiom("Braze", "{% abort_message('no name') %}", r"abort_message", "{% abort 'no name' %}"),
    Idiom(
        "Braze",
        "{% connected_content https://… :save x %}",
        r"connected_content",
        'nothing is fetched while a message is rendered; import the data as a catalog: Catalog["products"].Price',
    ),
    Idiom(
        "Braze", "{% catalog_items products 42 %}", r"catalog_items", 'Catalog["products"].Price, mapped under catalogs'
    ),
    # Klaviyo: Django's language
    Idiom("Klaviyo", "{{ person|lookup:'City' }}", r"person\s*\|\s*lookup:\s*['\"]([^'\"]+)['\"]", r'Profile["\1"]'),
    Idiom("Klaviyo", "{{ event|lookup:'Item Name' }}", r"event\s*\|\s*lookup:\s*['\"]([^'\"]+)['\"]", r'Event["\1"]'),
    Idiom("Klaviyo", "{{ item|lookup:'Item Name' }}", r"(\w+)\s*\|\s*lookup:\s*['\"]([^'\"]+)['\"]", r'\1["\2"]'),
    Idiom("Klaviyo", "{{ person.first_name }}", r"\bperson\.(\w+)", r"Profile.\1", names=True),
    Idiom("Klaviyo", "{% if … %}{% elif … %}", r"\{%-?\s*elif\b", "{% elsif … %}"),
    Idiom(
        "Klaviyo", "{% with x=event.price %}", r"\{%-?\s*(?:end)?with\b", "{% assign x = Event.price %}, without an end"
    ),
    Idiom("Klaviyo", "{% ifequal a b %}", r"\{%-?\s*(?:end)?ifequal\b", "{% if a == b %}…{% endif %}"),
    Idiom("Klaviyo", "{% for … %}{% empty %}", r"\{%-?\s*empty\s*-?%\}", "{% else %}, inside the for"),
    Idiom("Klaviyo", "{{ forloop.counter }}", r"forloop\.counter\b", "forloop.index"),
    Idiom("Klaviyo", "{{ forloop.counter0 }}", r"forloop\.counter0", "forloop.index0"),
    Idiom("Klaviyo", "{{ event.price|floatformat:2 }}", r"\|\s*floatformat", "| number: 2, or | money: 'EUR'"),
    Idiom("Klaviyo", "{{ event.price|intcomma }}", r"\|\s*intcomma", "| number"),
    Idiom("Klaviyo", "{{ first_name|title }}", r"\|\s*title(?:_case)?\b", "| capitalize"),
    Idiom("Klaviyo", "{{ first_name|lower }}", r"\|\s*lower(?:case)?\b", "| downcase"),
    Idiom("Klaviyo", "{{ first_name|upper }}", r"\|\s*upper(?:case)?\b", "| upcase"),
    Idiom("Klaviyo", "{{ name|truncatechars:20 }}", r"\|\s*truncatechars", "| truncate: 20"),
    Idiom("Klaviyo", "{{ event.items|length }}", r"\|\s*(?:length|count)\b", "| size"),
    Idiom("Klaviyo", "{{ event.n|add:1 }}", r"\|\s*add:", "| plus: 1"),
    Idiom("Klaviyo", "{{ text|striptags }}", r"\|\s*striptags", "| strip_html"),
    Idiom("Klaviyo", "{{ text|safe }}", r"\|\s*(?:safe|raw)\b", "nothing: nothing is escaped, as the payload is JSON"),
    Idiom(
        "Klaviyo",
        "{% today '%Y-%m-%d' as today %}",
        r"\{%-?\s*(?:now|today|current_)\w*",
        "{{ DecidedAt | date: '%Y-%m-%d' }}",
    ),
    Idiom("Klaviyo", "{{ event.date|format_date_string }}", r"\|\s*format_date_string", "| date: '%d %B %Y'"),
    Idiom("Klaviyo", "{{ today|days_later:3 }}", r"\|\s*days_(?:later|into_future|since)", "| plus: '3 days'"),
    # Customer.io, whose language is Liquid
    Idiom("Customer.io", "{{ trigger.price }}", r"\btrigger\.(\w+)", r"Event.\1", names=True),
    Idiom("Customer.io", "{{ snippets.footer }}", r"\bsnippets?\b", _NO_PARTIALS),
    Idiom(
        "Customer.io",
        "{{ event.date | timezone: 'Europe/Berlin' }}",
        r"\|\s*timezone",
        "| date: '%H:%M', 'Europe/Berlin'",
    ),
    Idiom(
        "Customer.io",
        "{{ event.date | add_day: 3 }}",
        r"\|\s*add_(day|week|hour|minute)s?:\s*(\d+)",
        r"| plus: '\2 \1s'",
    ),
    Idiom(
        "Customer.io",
        "{{ event.date | add_month: 1 }}",
        r"\|\s*add_(?:month|year)",
        "| plus: '30 days'; months have no length",
    ),
    Idiom(
        "Customer.io",
        "{{ event.date | subtract_day: 3 }}",
        r"\|\s*subtract_(day|week|hour|minute)s?:\s*(\d+)",
        r"| minus: '\2 \1s'",
    ),
    Idiom("Customer.io", "{{ event.price | currency }}", r"\|\s*(?:rounded_)?currency", "| money: 'EUR'"),
    Idiom("Customer.io", "{{ event.name | titlecase }}", r"\|\s*titlecase", "| capitalize"),
    # Iterable, whose language is Handlebars
    Idiom(
        "Iterable",
        '{{#ifEq city "Rome"}}',
        r"\{\{\s*#ifEq\s+(\S+)\s+([^}]+?)\s*\}\}",
        r"{% if Profile.\1 == \2 %}…{% endif %}",
    ),
    Idiom(
        "Iterable",
        "{{#ifGt total 50}}",
        r"\{\{\s*#ifGte?\s+(\S+)\s+([^}]+?)\s*\}\}",
        r"{% if Profile.\1 > \2 %}…{% endif %}",
    ),
    Idiom("Iterable", "{{#if firstName}}", r"\{\{\s*#if\w*\s+([\w.]+)\s*\}\}", r"{% if Profile.\1 %}…{% endif %}"),
    Idiom(
        "Iterable",
        "{{#unless firstName}}",
        r"\{\{\s*#unless\s+([\w.]+)\s*\}\}",
        r"{% unless Profile.\1 %}…{% endunless %}",
    ),
    Idiom("Iterable", "{{#each items}}", r"\{\{\s*#each\s+([\w.]+)\s*\}\}", r"{% for item in Event.\1 %}…{% endfor %}"),
    Idiom("Iterable", "{{else}}", r"\{\{\s*else\s*\}\}", "{% else %}"),
    Idiom("Iterable", "{{/if}}", r"\{\{\s*/\w+\s*\}\}", "{% endif %}, {% endunless %} or {% endfor %}"),
    Idiom("Iterable", "{{this.name}}", r"\{\{\s*this\b", "{{ item.name }}, as {% for item in Event.items %} calls it"),
    Idiom("Iterable", "{{@index}}", r"@index", "{{ forloop.index0 }}"),
    Idiom("Iterable", "{{{ firstName }}}", r"\{\{\{\s*([\w.]+)\s*\}\}\}", r"{{ Profile.\1 }}; nothing is escaped"),
    Idiom(
        "Iterable",
        '{{defaultIfEmpty firstName "friend"}}',
        r"defaultIfEmpty\s+([\w.]+)\s+(\"[^\"]*\"|'[^']*')",
        r"{{ Profile.\1 | default: \2 }}",
    ),
    Idiom(
        "Iterable",
        "{{dateFormat date format='…'}}",
        r"(?:dateFormat|formatDate)\b",
        "{{ Event.date | date: '%d %B %Y' }}",
    ),
    Idiom("Iterable", "{{numberFormat price}}", r"\bnumberFormat\b", "{{ Event.price | number: 2 }}, or money: 'EUR'"),
    Idiom("Iterable", "{{uppercase name}}", r"\{\{\s*uppercase\s+([\w.]+)", r"{{ Profile.\1 | upcase }}"),
    Idiom("Iterable", "{{lowercase name}}", r"\{\{\s*lowercase\s+([\w.]+)", r"{{ Profile.\1 | downcase }}"),
    Idiom("Iterable", "{{> footer}}", r"\{\{\s*(?:>|snippet\b)", _NO_PARTIALS),
    # Mailchimp: merge tags
    Idiom("Mailchimp", "*|FNAME|*", r"\*\|FNAME\|\*", "{{ Profile.first_name }}"),
    Idiom("Mailchimp", "*|LNAME|*", r"\*\|LNAME\|\*", "{{ Profile.last_name }}"),
    Idiom("Mailchimp", "*|EMAIL|*", r"\*\|EMAIL\|\*", "{{ Profile.email }}"),
    Idiom("Mailchimp", "*|IF:CITY|*", r"\*\|(?:IF|IFNOT):(\w+)[^|]*\|\*", r"{% if Profile.\1 %}…{% endif %}"),
    Idiom("Mailchimp", "*|ELSE:|*", r"\*\|ELSE:?\|\*", "{% else %}"),
    Idiom("Mailchimp", "*|END:IF|*", r"\*\|END:IF\|\*", "{% endif %}"),
    Idiom("Mailchimp", "*|DATE:d/m/y|*", r"\*\|DATE:[^|]*\|\*", "{{ DecidedAt | date: '%d/%m/%y' }}"),
    Idiom(
        "Mailchimp",
        "*|UNSUB|*",
        r"\*\|UNSUB\w*\|\*",
        "a link of your own; whoever takes the message off the bus knows it",
    ),
    Idiom("Mailchimp", "*|CITY|*", r"\*\|(\w+)\|\*", r"{{ Profile.\1 }}"),
    # Jinja and Twig
    Idiom(
        "Jinja",
        "{% set x = 1 %}",
        r"\{%-?\s*(?:set|let|var)\s+(\w+)\s*=\s*(.*?)\s*-?%\}",
        r"{% assign \1 = \2 %}",
    ),
    Idiom("Jinja", "{# a comment #}", r"\{#.*?#\}", "{% comment %}…{% endcomment %}"),
    Idiom("Twig", "{% foreach … %}", r"\{%-?\s*(?:foreach|while|each)\b", "{% for item in Event.items %}…{% endfor %}"),
    Idiom("Twig", "{% switch … %}", r"\{%-?\s*switch\b", "{% case Event.a %}{% when 1 %}…{% else %}…{% endcase %}"),
    # Shopify, whose language is Liquid
    Idiom(
        "Shopify",
        "{{ 'cart.title' | t }}",
        r"\|\s*t\b",
        "{% case Profile.language %}{% when 'de' %}…{% endcase %}; nothing is translated",
    ),
    Idiom("Shopify", "{{ price | money_with_currency }}", r"\|\s*money_\w+", "| money: 'EUR'"),
    Idiom("Shopify", "{{ price | money }}", r"\|\s*money\s*(?=\||\}\}|%\})", "| money: 'EUR'"),
    Idiom(
        "Shopify",
        "{{ product.title }}",
        r"\b(?:product|line_item|item|variant)\.(\w+)",
        r"Event.\1, as the event has it",
        names=True,
    ),
    Idiom("Shopify", "{{ order.name }}", r"\b(?:order|checkout|cart|fulfillment)\.(\w+)", r"Event.\1", names=True),
    Idiom("Shopify", "{{ shop.name }}", r"\bshop\.(\w+)", "the text itself; a campaign has one shop", names=True),
    Idiom(
        "Shopify",
        "{{ image | img_url: '300x' }}",
        r"\|\s*(?:img|image|asset|file|product_img)_url",
        "the URL, as the event or a catalog has it",
    ),
    Idiom("Shopify", "{% render 'card' %}", r"\{%-?\s*(?:render|include|section|block|extends|layout)\b", _NO_PARTIALS),
    Idiom(
        "Shopify", "{% increment n %}", r"\{%-?\s*increment\b", "{% assign n = n | plus: 1 %}, after {% assign n = 0 %}"
    ),
    Idiom(
        "Shopify",
        "{% decrement n %}",
        r"\{%-?\s*decrement\b",
        "{% assign n = n | minus: 1 %}, after {% assign n = 0 %}",
    ),
    Idiom("Shopify", "{% cycle 'a', 'b' %}", r"\{%-?\s*cycle\b", "{% assign odd = forloop.index0 | modulo: 2 %}"),
    Idiom(
        "Shopify",
        "{% tablerow x in y %}",
        r"\{%-?\s*(?:end)?tablerow\b",
        "{% for x in Event.items %}, with the table in the text",
    ),
    Idiom("Shopify", "{% liquid … %}, {% echo x %}", r"\{%-?\s*(?:liquid|echo)\b", "one {% … %} or {{ … }} for each"),
    Idiom("Shopify", "{{ customer.first_name }}", r"\bcustomer\.(\w+)", r"Profile.\1", names=True),
    # All of them
    Idiom(
        "other tools",
        "{{ 'now' | date: '%F' }}",
        r"['\"](?:now|today)['\"]\s*\|\s*date|\{\{-?\s*now\b",
        "{{ DecidedAt | date: '%F' }}",
    ),
    Idiom("other tools", "{{ event.price }}", r"\bevent\.(\w+)", r"Event.\1", names=True),
    Idiom(
        "other tools",
        "{{ user.city }}",
        r"\b(?:user|contact|subscriber|recipient|profile|attributes|data)\.(\w+)",
        r"Profile.\1",
        names=True,
    ),
    Idiom("other tools", "{{ first_name }}", r"\{\{-?\s*([a-z]\w*)\s*(?:\||-?\}\})", r"{{ Profile.\1 }}", names=True),
    Idiom("other tools", "{Profile.first_name}", r"(?<!\{)\{\s*((?:Profile|Event)\.\w+)\s*\}+", r"{{ \1 }}"),
    Idiom(
        "word processors",
        "{{ Profile.name | default: “Hi” }}",
        "[\u201c\u201d\u201e\u2018\u2019]",
        "straight quotes: 'Hi'",
    ),
)


def advice(text: str, *, names: bool = True) -> str | None:
    """For people: what is written here instead of the first idiom in the text that is another tool's.

    `names` are mere names looked at, too: they are, where one is not known.
    """
    for pattern, idiom in _patterns():
        if (names or not idiom.names) and (found := pattern.search(text)):
            here = _TWICE.sub("", found.expand(idiom.here))
            return f"{_of(idiom.tool)} {found[0].strip()} is written: {here}"
    return None


_TWICE: Final = re.compile(r"\b(?:Profile|Event)\.(?=(?:Profile|Event|Campaign|Catalog|Recommendations)\b)")
"""Where somebody wrote our name in the other tool's way: `{{#if Profile.vip}}`."""


def _of(tool: str) -> str:
    return f"{tool}'" if tool.endswith("s") else f"{tool}'s"


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Idiom], ...]:
    return tuple((re.compile(each.pattern), each) for each in IDIOMS)


def page() -> str:
    """The table in Markdown, as the docs have it."""
    rows = ["| tool | there | here |", "|---|---|---|"]
    for tool, there, _, here, _ in IDIOMS:
        written = (advice(there) or here).partition(" is written: ")[2]
        code, semicolon, note = written.partition("; ")
        rows.append(f"| {tool} | {_code(there)} | {_code(code) if _is_code(code) else code}{semicolon}{note} |")
    return "\n".join(rows) + "\n"


def _is_code(text: str) -> bool:
    return re.match(r"\{|\||[A-Z]\w+[.\[]|\w+\[|forloop", text) is not None


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")
