"""The tables read as the specification: what renders to what, what is withheld, what is refused."""

from __future__ import annotations

import hmac
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from holdfast.core.templates import filters as liquid_filters
from holdfast.core.templates.templates import (
    MAX_WORK,
    Meter,
    Missing,
    Template,
    TemplateError,
    Withheld,
    compile_values,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from holdfast.core.templates.templates import Json

EVENTS = ("added to cart", "Charged", "Straße gewählt")

CONTEXT: Mapping[str, Json] = {
    "Profile": {
        "first_name": "Ann",
        "vip": False,
        "zero": 0,
        "note": " ",
        "nothing": None,
        "first name": "Ann B.",
        "flag": "true",
        "off": "False",
    },
    "Event": {
        "off": "False",
        "spans": ["9 dayz", "9999999 days"],
        "price": 89.0,
        "quantity": 2,
        "amount": "89.00",
        "tiny": 1e-7,
        "product name": "white coat",
        "html": "<b>1 & 2</b>",
        "at": 1669198800000,
        "day": "2026-11-23",
        "zoned": "2026-11-23T10:00:00+02:00",
        "tags": ["warm", "white", "warm"],
        "items": [{"name": "coat", "price": 89.0, "stock": True}, {"name": "hat", "price": 9}],
        "none": [],
        "holes": ["a", None],
    },
    "ConstantEventProperty": ["white coat", "red hat"],
    "Campaign": {"id": "abandoned-cart"},
    "TriggeredAt": "2026-11-23T10:00:00.000Z",
    "DecidedAt": "2026-11-23T10:30:00.000Z",
}


def render(source: str, context: Mapping[str, Json] = CONTEXT) -> str:
    return str(compile_values({"value": source}, events=EVENTS).render(context)["value"])


RENDERS = {
    # text
    "just text": "just text",
    "Zürich 東京 🎁 100% {off} {json: 1}": "Zürich 東京 🎁 100% {off} {json: 1}",
    "<b>{{ Event.html }}</b>": "<b><b>1 & 2</b></b>",
    "{{ Event.html | escape }}": "&lt;b&gt;1 &amp; 2&lt;/b&gt;",
    # @ forms
    "Hi @Profile - first_name, welcome": "Hi Ann, welcome",
    "Hi @Profile - first_name welcome": "Hi Ann welcome",
    "Hi @profile - first_name.": "Hi Ann.",
    "Hi @Profile-first_name!": "Hi Ann!",
    "(@Profile - first_name)": "(Ann)",
    '@added to cart - price | default: "a good price"': "89.0",
    '@added to cart - cost | default: "a good price"': "a good price",
    "@added to cart - cost | default: 'nothing', today": "nothing, today",
    "@added to cart - cost | default: 1.5 only": "1.5 only",
    "@AddedToCart - price": "89.0",
    "@ADDED  to cart - price": "89.0",
    "@charged - quantity and @added to cart - price": "2 and 89.0",
    "@STRASSE GEWÄHLT - quantity, @straße gewählt - quantity": "2, 2",
    "@added to cart - product name": "white coat",
    "\n  @added to cart - product name\n": "\n  white coat\n",
    'the @added to cart - product name | default: "coat" waits': "the white coat waits",
    'the @added to cart - "product name" waits': "the white coat waits",
    "the @added to cart - 'product name' waits": "the white coat waits",
    "@Campaign - id": "abandoned-cart",
    "@ConstantEventProperty - waiting": "white coat, red hat - waiting",
    "@ConstantEventProperty, still": "white coat, red hat, still",
    "@Profile - first_name | Acme": "Ann | Acme",
    "mail ann@example.com or ann@profile - x": "mail ann@example.com or ann@profile - x",
    "@acme, meet @ 5 - 6": "@acme, meet @ 5 - 6",
    '{{ "@" }}Profile': "@Profile",
    "{% raw %}@Profile - x {{ y }}{% endraw %}": "@Profile - x {{ y }}",
    "{% comment %}@nobody - x {% include %}{% endcomment %}ok": "ok",
    "{% comment %}old: {% comment %}older{% endcomment %} text{% endcomment %}ok": "ok",
    "{% comment %}{% raw %}{% endcomment %}{% endraw %}{% endcomment %}ok": "ok",
    "{% comment %}{% raw %}{% endcomment %}ok": "ok",
    "{% comment %}*|FNAME|* {% else if %}{% endcomment %}ok": "ok",
    # values
    '{{ Event["product name"] }}': "white coat",
    "{{ Event.price }} {{ Event.quantity }} {{ Event.tiny }}": "89.0 2 1e-07",
    "{{ Profile.vip }} {{ Profile.zero }}": "false 0",
    "{{ true | append: '!' }}": "true!",
    "{{ Event.items[0].name }}, {{ Event.items.last.name }}": "coat, hat",
    "{{ Event.tags.size }} {{ Event.none | size }}": "3 0",
    # booleans as text
    "{% if Profile.flag == true %}a{% else %}b{% endif %}{% if Event.off == false %}c{% endif %}": "ac",
    "{% if Profile.flag != false %}a{% endif %}{% if Profile.flag == false %}b{% endif %}": "a",
    "{% case Event.off %}{% when true %}a{% when false %}b{% endcase %}": "b",
    "{% if Event.quantity == true %}a{% else %}b{% endif %}{% if Event.html == true %}c{% endif %}": "b",
    # lists
    "{{ ConstantEventProperty }}": "white coat, red hat",
    "{{ ConstantEventProperty | join: ' and ' }}": "white coat and red hat",
    "{{ ConstantEventProperty | first }}": "white coat",
    "{% for it in ConstantEventProperty %}{{ forloop.index }}.{{ it }} {% endfor %}": "1.white coat 2.red hat ",
    "{{ Event.tags | uniq | sort | reverse | join: '/' }}": "white/warm",
    "{{ Event.items | map: 'price' | join: '+' }}": "89.0+9",
    "{{ Event.items | where: 'stock', true | map: 'name' }}": "coat",
    "{{ Event.items | map: 'stock' | compact }}": "true",
    "{{ 'a,b' | split: ',' | concat: Event.tags | size }}": "5",
    # absence
    "{{ Profile.nick | default: 'you' }}": "you",
    "{{ Profile.nothing | default: 'you' }}": "you",
    "{{ Profile.note | default: 'you' }}": "you",
    "{{ Profile.nick | upcase | default: 'you' }}": "you",
    "{{ Profile.nick | default: Profile.first_name }}": "Ann",
    "{{ Event.none | first | default: 'nothing' }}": "nothing",
    "{{ Profile.vip | default: 'x' }}": "false",
    "{{ Profile.vip | default: 'x', allow_false: false }}": "x",
    "Hi{{ Profile.nick | default: '' }}!": "Hi!",
    "{% assign x = '' %}{% for t in Event.tags %}{{ x }}{{ t }}{% assign x = '+' %}{% endfor %}": "warm+white+warm",
    "{% if Profile.nick %}a{% else %}b{% endif %}": "b",
    "{% if Profile.nothing %}a{% else %}b{% endif %}": "b",
    "{% if Profile.note %}a{% else %}b{% endif %}": "b",
    "{% if Profile.zero %}a{% else %}b{% endif %}": "a",
    "{% unless Profile.vip %}a{% endunless %}": "a",
    "{% if Profile.nick == 'x' or Profile.nick > 3 or Profile.nick contains 'x' %}a{% else %}b{% endif %}": "b",
    "{% if Profile.nick == nil %}a{% endif %}": "a",
    "{% case Profile.nick %}{% when 'x' %}a{% else %}b{% endcase %}": "b",
    "{% for it in Profile.nick %}a{% else %}b{% endfor %}": "b",
    "{% for it in Event.none %}a{% endfor %}b": "b",
    # blank, empty and '' are one
    **{
        f"{{% if {left} {operator} {right} %}}a{{% else %}}b{{% endif %}}": "a" if (operator == "==") is blank else "b"
        for value, blank in {
            **dict.fromkeys(("Profile.nick", "Profile.nothing", "Profile.note", "Event.none", "Event.cost.x"), True),
            **dict.fromkeys(("Profile.first_name", "Profile.vip", "Profile.zero", "Event.tags", "true"), False),
        }.items()
        for word in ("blank", "empty", "''", "' '")
        for operator in ("==", "!=")
        for left, right in ((value, word), (word, value))
    },
    "{% case Profile.note %}{% when '' %}a{% else %}b{% endcase %}": "a",
    "{% case Profile.nick %}{% when blank %}a{% else %}b{% endcase %}": "a",
    "{% case Profile.vip %}{% when blank %}a{% else %}b{% endcase %}": "b",
    "{% assign none = '' %}{% if Profile.nick == none %}a{% endif %}": "a",
    "{% if Event.none == nil %}a{% else %}b{% endif %}": "b",
    # numbers that are text
    "{% if Event.amount > 50 %}a{% endif %}{% if 50 < Event.amount %}b{% endif %}": "ab",
    "{% if Event.amount >= 89 and Event.amount <= 89 and Event.amount == 89 %}a{% endif %}": "a",
    "{% if Event.amount != 89 %}a{% else %}b{% endif %}": "b",
    "{% case Event.amount %}{% when 89 %}a{% endcase %}": "a",
    "{% if Event.amount < '9' %}a{% endif %}": "a",
    "{% if '007' == '7' %}a{% else %}b{% endif %}": "b",
    "{% if Event.amount contains 9 %}a{% endif %}{% if Event.quantity contains 2 %}b{% endif %}": "ab",
    # tags
    "{% case Event.quantity %}{% when 2, 2 or 2 %}two{% when 3 %}three{% endcase %}": "two",
    "{% for i in (1..9) reversed limit: 3 offset: 2 %}{{ i }}{% endfor %}": "543",
    "{% for i in (1..9) %}{% if i > 3 %}{% break %}{% endif %}{{ i }}{% endfor %}": "123",
    "{% for i in (1..3) %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}": "13",
    "{% capture c %}{{ Event.quantity }}x{% endcapture %}{{ c | append: c }}": "2x2x",
    "{% # aside %}{%- if Event.quantity -%} ok {%- endif -%}": "ok",
    "{% if Event.price > 100 %}{% abort 'dear' %}{% endif %}ok": "ok",
    # numbers and dates
    "{{ Event.price | times: 2 }} {{ '3' | plus: 4 }} {{ 7 | divided_by: 2 }}": "178.0 7 3",
    "{{ Event.price | minus: 0.01 | round: 1 }}": "89.0",
    "{{ Event.at | date: '%-d %B %Y %H:%M' }}": "23 November 2022 10:20",
    "{{ 1669198800 | date: '%F' }} {{ '1669198800' | date: '%F' }}": "2022-11-23 2022-11-23",
    "{{ Event.day | date: '%d.%m.' }} {{ Event.zoned | date: '%H:%M %z' }}": "23.11. 10:00 +0200",
    "{{ '20261123' | date: '%F' }} {{ 20261123 | date: '%F' }}": "2026-11-23 2026-11-23",
    "{{ '20261123101500' | date: '%F %H:%M' }} {{ '20261123T101500Z' | date: '%H:%M' }}": "2026-11-23 10:15 10:15",
    "{{ 73872000 | date: '%F' }} {{ 20269999 | date: '%F' }}": "1972-05-05 1970-08-23",
    "{{ Event.at | date: '%s' }} {{ Event.day | date: '%s' }} {{ Event.zoned | date: '%s' }}": (
        "1669198800 1795392000 1795420800"
    ),
    "{{ Event.zoned | date: '%s' | minus: Event.at | plus: 1 }}": "-1667403379199",
    "{{ Event.day | date: '%s' | plus: 172800 | date: '%d %B' }}": "25 November",
    "{{ Event.day | plus: '2 days' }} {{ Event.day | minus: 'PT1H' }}": "2026-11-25 2026-11-22T23:00:00",
    "{{ Event.zoned | plus: '36h' }}": "2026-11-24T22:00:00+02:00",
    "{{ Event.at | plus: '1 day' }} {{ '1669198800' | plus: '1 day' }}": "1669285200000 1669285200",
    "{{ 20261130 | plus: '1 day' | date: '%F' }}": "2026-12-01",
    "{{ TriggeredAt | plus: '3 days' | date: '%A' }}": "Thursday",
    "{{ DecidedAt | date: '%F %H:%M', 'Europe/Berlin' }}": "2026-11-23 11:30",
    "{% assign now = DecidedAt | date: '%s' %}{{ '2026-11-30T10:30:00Z' | date: '%s' | minus: now"
    " | divided_by: 86400 }} days left": "7 days left",
}

MISSING = {
    "{{ Event.cost }}": "Event.cost",
    "a @Profile - nick b": "Profile.nick",
    "{{ Profile.nothing }}": "Profile.nothing",
    "{{ Profile.note }}": "Profile.note",
    "{{ Profile.size }}": "Profile.size",
    "{{ Event['list price'] }}": "Event.list price",
    "{{ Event.items[7].name }}": "Event.items[7].name",
    "{{ Event.cost | times: 2 }}": "Event.cost",
    "{{ Event.price | times: Event.factor }}": "Event.factor",
    "{{ Event.cost | default: Profile.nick }}": "Profile.nick",
    "{% assign cost = Event.cost %}{{ cost }}": "Event.cost",
    "{% assign cost = Event.cost | times: 2 %}{{ cost | round }}": "Event.cost",
    "{% for it in Event.cost %}a{% endfor %}b": "Event.cost",
    "{% for it in Event.tags limit: Event.most %}a{% endfor %}": "Event.most",
    "{% for i in (1..Event.most) %}a{% endfor %}": "Event.most",
    "{% for it in Event.items %}{{ it.stock }}{% endfor %}": "Event.items[1].stock",
    "{{ Event.none }}": "Event.none",
    "{{ Event.none | first }}": "Event.none",
    "{{ Event.price | remove: '89.0' }}": "Event.price",
}

WITHHELD = {
    "{% abort %}": "aborted",
    "{% abort 'out of stock' %}": "aborted: out of stock",
    "{% abort Event.tags.first | upcase %}": "aborted: WARM",
    "{{ Profile.nick | default: '' }}": "blank: value",
    "{% if Profile.vip %}gold{% endif %}": "blank: value",
    "{{ Event.items }}": "failed: an object is not text; name a property of it",
    "{{ Event.holes }}": "failed: null in a list; the filter compact takes it out",
    "{{ Profile.first_name | plus: 1 }}": "failed: not a number: 'Ann'",
    "{{ Event.price | divided_by: Profile.zero }}": "failed: divided_by: can't divide by 0",
    "{% if Profile.first_name > 3 %}a{% endif %}": "failed: 'Ann' is compared with 3, and is not a number",
    "{% if Event.tags <= 3 %}a{% endif %}": "failed: ['warm', 'white', 'warm'] is compared with 3, and is not a number",
    "{{ Event.quantity | date: '%Y' }}": (
        "failed: date takes an epoch number or ISO 8601, and there is no clock; not 2"
    ),
    "{{ Event.quantity | append: '026' | date: '%Y' }}": (
        "failed: date takes an epoch number or ISO 8601, and there is no clock; not '2026'"
    ),
    "{{ Event.html | hmac_sha256 }}": "failed: this stage has no secret for hmac_sha256",
    "{{ Event.day | plus: Event.spans[1] }}": "failed: '2026-11-23' and '9999999 days' is beyond the year 9999",
    "{{ Event.day | plus: Event.spans[0] }}": (
        "failed: '9 dayz' is not a duration; write it as 30 minutes, 24h, 3 days or PT30M"
    ),
    "{{ Event.day | plus: 3 }}": (
        "failed: not a number: '2026-11-23'; of a time, add '3 days', or compute with its seconds, | date: '%s'"
    ),
    "{{ Profile.first_name | date: '%F' }}": (
        "failed: date takes an epoch number or ISO 8601, and there is no clock; not 'Ann'"
    ),
}

REFUSED = {
    "": "is blank",
    " \n ": "is blank",
    # names
    "{{ Evnt.price }}": "unknown object Evnt; did you mean 'Event'?",
    "{{ event.price }}": "did you mean 'Event'?",
    "{{ first_name }}": "unknown object first_name; there are Campaign, Catalog, ConstantEventProperty, DecidedAt",
    "{% if a and Evnt.x %}{% endif %}": "unknown object",
    "{{ Event.price | times: factor }}": "unknown object factor",
    "{{ now | date: '%F' }}": "unknown object now",
    "{{ [Event.name].price }}": "unknown object",
    "{{ Event }}": "Event is a whole object; name a property of it, such as Event.price",
    "{{ Profile | json }}": "Profile is a whole object; name a property of it, such as Profile.first_name",
    "{% assign e = Profile %}{{ e.price }}": "Profile is a whole object",
    "{% for p in Profile %}{{ p[0] }}{% endfor %}": "Profile is a whole object",
    "{{ Event[Profile.key] }}": "Event is a whole object",
    "{% assign Event = 1 %}x": "Event is the name of an object",
    "{% for Profile in Event.items %}x{% endfor %}": "Profile is the name of an object",
    "{{ Event.product name }}": 'is written Event["product name"]',
    "{{ Profile.nil }}": "is written Event[",
    # @ forms
    "@ad to cart - price": "unknown event @ad to cart; did you mean 'added to cart'?",
    "@Profil - first_name": "unknown event @Profil; did you mean 'Profile'?",
    "@Profile": '@Profile names no property, such as @Profile - first_name; as mere text it is {{ "@" }}Profile',
    "see @charged now": "@Charged names no property, such as @Charged - price",
    "@Profile - first_name | upcase": "takes only the filter default, not 'upcase'",
    "@Profile - first_name | defualt: 'x'": "takes only the filter default, not 'defualt'",
    "@Profile - first_name | default: friend": 'a quoted text or a number: | default: "friend"',
    "@Profile - first_name | default: \u201cfriend\u201d": "a quoted text or a number",
    "{{ @Profile - first_name }}": "an @ form stands in the text, without braces",
    # tags and filters
    "{% iff x %}": "unknown tag 'iff'; did you mean 'if'?",
    "{% if Event.a %}{% elseif Event.b %}{% endif %}": "did you mean 'elsif'?",
    "{% include 'x' %}": "unknown tag 'include'",
    "{% render 'x' %}": "unknown tag 'render'",
    "{% increment x %}": "unknown tag 'increment'",
    "{% tablerow x in Event.tags %}{% endtablerow %}": "unknown tag 'tablerow'",
    "{% %}": "unknown tag ''",
    "{{ Event.price | upcas }}": "unknown filter 'upcas'; did you mean 'upcase'?",
    "{{ Event.price | safe }}": "unknown filter 'safe'",
    "{{ Event.price | truncate: 1, 2, 3 }}": "filter 'truncate': too many positional arguments",
    "{{ Event.price | append }}": "filter 'append': missing a required argument",
    "{{ Event.price | upcase: context: 1 }}": "filter 'upcase' takes no arguments by name",
    # syntax
    "{{ Event.price": "{{ is never closed",
    "{% if Event.price %}": "{% if … %} is never closed: {% endif %} is missing",
    "{% raw %}": "{% raw %} is never closed",
    "{% comment %}": "{% comment %} is never closed",
    "{{ 'x }}": "unexpected",
    # what can be known beforehand
    "{{ 1 | divided_by: 0 }}": "divided_by can only fail: divided_by: can't divide by 0",
    "{{ 'now' | date: '%F' }}": "there is no clock",
    "{{ Event.at | date: 'DD.MM.YYYY' }}": "a layout without a % directive prints no date; write '%d.%m.%Y'",
    "{{ Event.at | date: 'F d, Y' }}": "write '%B %d, %Y'",
    "{{ Event.at | date: 'no day' }}": "write '%d.%m.%Y'",
    "{{ Event.at | date: '100%%' }}": "a layout without a % directive",
    "{{ Event.at | date: '%H:%M', 'Berlin' }}": "not a time zone: 'Berlin'; did you mean 'Europe/Berlin'?",
    "{{ Event.at | date: '%Q' }}": "or 'short' to 'full'; '%Q' is not a directive",
    "{{ Event.at | date: '%10Y' }}": "without widths, or 'short' to 'full'; '%10' is not a directive",
    "{{ Event.at | date: 'LONG' }}": "a layout without a % directive prints no date; write 'long'",
    "{{ Event.at | date: 'iso' }}": "write '%Y-%m-%d'",
    "{{ Event.at | date: '%H:%M', 'PST' }}": "not a time zone: 'PST'; did you mean 'America/Los_Angeles'?",
    "{{ Event.at | date: '%H:%M', 'CEST' }}": "not a time zone: 'CEST'; did you mean 'Europe/Berlin'?",
    "{{ Event.at | date: '%H:%M', '+02:00' }}": "an offset changes with summer time: name a city",
    # arguments with which a filter can only fail
    "{{ Event.price | round: 'x' }}": "round can only fail: not a number: 'x'",
    "{{ Event.price | number: 20 }}": "number can only fail: number prints 0 to 9 digits after the point",
    "{{ Event.price | divided_by: 0 }}": "divided_by can only fail: divided_by: can't divide by 0",
    "{{ Event.at | plus: '1 month' }}": "plus can only fail: '1 month' is not a duration; months and years have no",
    "{{ Event.at | minus: 'soon' }}": "minus can only fail: 'soon' is not a duration; write it as 30 minutes",
    "{{ Event.name | truncate: 'a' }}": "truncate can only fail: truncate takes whole numbers, not 'a'",
    "{{ Event.tags | concat: 'a' }}": "concat can only fail",
    "{{ Event.day | plus: '9999999 days' }}": "and '9999999 days' is beyond the year 9999",
    "{{ Event.day | plus: '9 dayz' }}": "plus can only fail: '9 dayz' is not a duration; write it as 30 minutes",
    "{{ Event.html | replace: seq: 'b', sub: 'i' }}": "filter 'replace' takes no arguments by name",
    "{% if 'a' > 1 %}x{% endif %}": "cannot be computed",
    "{{ blank }}": "blank and empty are only compared",
    "{% assign x = empty %}x": "blank and empty are only compared",
    "{% if Event.note > blank %}x{% endif %}": "blank and empty are only compared",
    # what could never show
    "{% if Event.a %}a{% else if Event.b %}b{% endif %}": "else takes no condition, such as 'if Event.b'; did you mean",
    "{% unless Event.a %}a{%- else Event.b -%}b{% endunless %}": "else takes no condition",
    "{% for a in Event.items %}a{% else if Event.b %}b{% endfor %}": "else takes no condition",
    "{% case Event.a %}{% when 1 %}a{% else when 2 %}b{% endcase %}": "else takes no condition",
    "{% if Event.a %}a{% else %}b{% elsif Event.c %}c{% endif %}": "elsif after an else can never show",
    "{% case Event.a %}{% else %}b{% when 1 %}a{% endcase %}": "when after an else can never show",
    "{% if Event.a %}a{% else %}b{% else %}c{% endif %}": "a second else can never show",
    "{% case Event.a %}Dear{% when 1 %}a{% endcase %}": "'Dear' stands before the first when",
    "{% case Event.a %}{{ Event.b }}{% when 1 %}a{% endcase %}": "stands before the first when",
    "{% case Event.a %}{% if Event.b %}b{% endif %}{% when 1 %}a{% endcase %}": "stands before the first when",
    # nil
    "{{ Event.items | where: 'discount', nil }}": "nil as an argument of where gives nothing, ever; what lacks a",
    "{{ Event.note | default: null }}": "write default: ''",
    "{{ Event.price | plus: nil }}": "nil as an argument of plus gives nothing, ever; leave it out",
    # beside the point no more
    "{% if Event.a and not Event.b %}x{% endif %}": "Liquid has no 'not'; use {% unless … %}",
    "{% if (Event.a or Event.b) and Event.c %}x{% endif %}": "parentheses",
    "{{ Event.a | default 'friend' }}": "a colon is missing: default: 'friend'",
    "{{ Event.a | plus 3 }}": "a colon is missing: plus: 3",
    "{{ 'a' if Event.b else 'c' }}": "there is no if inside {{ }}",
    # other tools
    "Hi *|FNAME|*": "Mailchimp's *|FNAME|* is written: {{ Profile.first_name }}",
    "{{${first_name}}}": "Braze's ${first_name} is written: Profile.first_name",
    "{{ event.extra }}": "other tools' event.extra is written: Event.extra",
    "{{ Event.price | floatformat:2 }}": "Klaviyo's | floatformat is written: | number: 2",
    "{{#if firstName}}x{{/if}}": "Iterable's {{#if firstName}} is written: {% if Profile.firstName %}…{% endif %}",
    "{{ Profile.a | default: \u201cHi\u201d }}": "straight quotes: 'Hi'",
    "{{ (1..3) | join }}": "a range is only looped over: {% for i in (1..3) %}",
    "{{#if Profile.vip}}x{{/if}}": "Iterable's {{#if Profile.vip}} is written: {% if Profile.vip %}…{% endif %}",
    "{{{ Profile.a }}}": "is written: {{ Profile.a }}; nothing is escaped",
    "Hi {# old #}": "Jinja's {# old #} is written: {% comment %}…{% endcomment %}",
    "Hi {Profile.first_name}": "other tools' {Profile.first_name} is written: {{ Profile.first_name }}",
    "Hi { Profile.first_name }}": "is written: {{ Profile.first_name }}",
    "{% set x = 2 %}": "Jinja's {% set x = 2 %} is written: {% assign x = 2 %}",
    # blocks
    "a{% if Event.a %}{% for i in Event.b %}{% endif %}": "{% endif %} closes nothing that is open here; {% endfor %}",
    "{% endif %}": "{% endif %} closes nothing that is open here",
    "{% for i in Event.b %}x": "{% for … %} is never closed: {% endfor %} is missing",
    "{% else %}": "{% else %} stands inside {% case %} or {% for %} or {% if %} or {% unless %}",
    "{% case Event.a %}{% elsif 1 %}{% endcase %}": "{% elsif %} stands inside {% if %} or {% unless %}",
    "{% if Event.a %}{% break %}{% endif %}x": "{% break %} stands inside {% for %}: outside, it would withhold",
    "{% Profile.first_name %}": "what prints stands between other braces: {{ Profile.first_name }}",
    # slips
    "{{ }}": "nothing stands between some braces",
    "{{~ Event.a ~}}": "white space is cut by a hyphen: {{- … -}}",
    '{{ "a \\" b" }}': "Liquid's texts have no escapes",
    "{{ 'it''s' }}": "Liquid's texts have no escapes",
    "{% if %}x{% endif %}": "a condition is missing: {% if Event.price > 10 %}",
    "{% if Event.a = 1 %}x{% endif %}": "two are compared by ==",
    "{% if Event.a === 1 %}x{% endif %}": "two are compared by == and !=",
    "{% if Event.a => 1 %}x{% endif %}": "more or equal is written >=",
    "{% if Event.a && Event.b %}x{% endif %}": "&& is written and",
    "{% elsif Event.a || Event.b %}": "{% elsif %} stands inside",
    "{% unless Event.a || Event.b %}x{% endunless %}": "|| is written or",
    "{% if Event.a AND Event.b %}x{% endif %}": "and, or and contains are written small",
    "{% if !Event.a %}x{% endif %}": "Liquid has no '!'; use {% unless … %}",
    "{% if Event.a is 1 %}x{% endif %}": "is is written ==",
    "{% if Event.a in Event.b %}x{% endif %}": "asked by contains: {% if Event.b contains Event.a %}",
    "{% if Event.a > 1,000 %}x{% endif %}": "a number is written without separators: 1000",
    "{% if Event.a | size > 3 %}x{% endif %}": "a condition takes no filters: {% assign x = … | … %} before it",
    "{% case Event.a %}{% when > 3 %}x{% endcase %}": "when takes values: compare in {% if … %}",
    "{% for i in Event.a | sort %}{{ i }}{% endfor %}": "a loop takes no filters: {% assign x = … | … %} before it",
    "{% for k, v in Event.a %}x{% endfor %}": "a loop has one variable: {% for pair in Event.a %}{{ pair[0] }}:",
    "{% for i Event.a %}x{% endfor %}": "a loop is written {% for item in Event.items %}",
    "{% assign a.b = 1 %}x": "the name of a variable is one word",
    "{% assign a = [1, 2] %}x": 'a list is written {% assign x = "a,b" | split: "," %}',
    "{% assign a = {'b': 1} %}x": "objects cannot be written in a template",
    "{% assign a = Event.a == 1 %}{{ a }}": "a variable holds no condition: {% if … %}{% assign x = true %}",
    "{% capture 'a' %}x{% endcapture %}": "the name of a variable stands without quotes",
    "{{ Event.items.0.name }}": "an item of a list stands in brackets: Event.items[0]",
    "{{ Profile.$email }}": 'a name with a sign in it is written Profile["$email"]',
    "{{ Event.'price' }}": 'a name in quotes stands in brackets: Event["product name"]',
    "{{ Event.items[price] }}": 'a name in brackets stands in quotes: Event["price"]',
    "{{ Event.a || 'b' }}": "what to print instead is written | default: 'friend'",
    "{{ Event.a ?? 'b' }}": "what to print instead is written | default: 'friend'",
    "{{ Event.a ? 'b' : 'c' }}": "there is no ? inside {{ }}; write {% if … %}",
    "{{ Event.a == 'b' }}": "nothing is compared inside {{ }}; write {% if … %}",
    "{{ Event.a + 1 }}": "a sum is written | plus: 2",
    "{{ Event.a - 1 }}": "a difference is written | minus: 2",
    "{{ Event.a * 1 }}": "a product is written | times: 2",
    "{{ Event.a / 1 }}": "a quotient is written | divided_by: 2.0",
    "{{ -Event.a }}": "a negative is written | times: -1",
    "{{ Event.a | | upcase }}": "the name of a filter is missing behind |",
    "{{ Event.a | money('EUR') }}": "what a filter takes stands behind a colon, without parentheses: | money: …",
    "{{ Event.a | money = 'EUR' }}": "what a filter takes stands behind a colon: | money: …",
    "{{ Event.a, Event.b }}": "each value has braces of its own: {{ Event.a }}, {{ Event.b }}",
    "{{ forloop.index }}": "forloop is there inside {% for %} only",
}


@pytest.mark.parametrize(
    "source",
    [
        "{% assign x = 1 %}{{ x }}{{ Event.a = 1 }}",
        "{% for i in Event.a limit 2 %}{{ i }}{% endfor %}",
        "{{ true | date: '%F' }}",
        "{% for item in Event.items %}{{ item.name | upcas }}{% endfor %}",
    ],
)
def test_nothing_is_said_about_a_name_where_something_else_is_wrong(source: str) -> None:
    with pytest.raises(TemplateError) as refused:
        compile_values({"value": source})
    assert "is written: {{ Profile" not in str(refused.value)
    assert "is written: Event" not in str(refused.value)


@pytest.mark.parametrize("text", ["100% {off}", '{"a": {"b": 1}}', "# 1", "{Product}", "5 } 3", "{}", "{#", "a {b} c"])
def test_braces_that_stand_for_themselves_are_text(text: str) -> None:
    assert render(text) == text


@pytest.mark.parametrize(("source", "text"), RENDERS.items())
def test_renders(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    {
        "{% if Profile.vip %}a{% else if Profile.zero %}b{% endif %}": "b",
        "{% if Profile.vip %}a{% else %}b{% elsif Profile.zero %}c{% endif %}": "b",
        "{% case Profile.zero %}Dear{% when 0 %}a{% endcase %}": "a",
        "{{ Event.day | date: 'soon' }}": "soon",
        "{% comment %}{% comment %}{% endcomment %}a": "a",
        "*|FNAME|* a": "*|FNAME|* a",
    }.items(),
)
def test_what_an_older_release_published_goes_on_as_it_did(source: str, text: str) -> None:
    with pytest.raises(TemplateError):
        compile_values({"value": source})
    assert compile_values({"value": source}, live=True).render(CONTEXT) == {"value": text}


def test_no_template_can_print_the_secret() -> None:
    with pytest.raises(TemplateError, match="unknown object Secret"):
        compile_values({"value": "{{ Secret }}"})
    signed = compile_values({"value": "{{ Profile.first_name | hmac_sha256 }}"}).render({**CONTEXT, "Secret": "s3cret"})
    assert signed["value"] == hmac.new(b"s3cret", b"Ann", "sha256").hexdigest()


@pytest.mark.parametrize(("source", "name"), MISSING.items())
def test_a_missing_value_withholds_the_message_under_its_full_name(source: str, name: str) -> None:
    with pytest.raises(Missing) as missing:
        render(source)
    assert (missing.value.name, missing.value.reason, missing.value.key) == (name, f"missing: {name}", "value")


def test_what_one_event_lacks_bears_its_name_though_events_are_there_as_they_always_are() -> None:
    """A message's objects have `Events` in any campaign; the author of this one wrote `Event`."""
    objects = {**CONTEXT, "Events": [CONTEXT["Event"]]}
    for source, name in MISSING.items():
        with pytest.raises(Missing) as missing:
            render(source, objects)
        assert missing.value.name == name


@pytest.mark.parametrize(("source", "reason"), WITHHELD.items())
def test_withholds_with_a_reason(source: str, reason: str) -> None:
    with pytest.raises(Withheld) as withheld:
        render(source)
    assert (withheld.value.reason, withheld.value.key) == (reason, "value")


@pytest.mark.parametrize(("source", "message"), REFUSED.items())
def test_refuses_and_says_what_would_be_right(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        compile_values({"value": source}, events=EVENTS)
    assert message in str(refused.value)
    assert refused.value.key == "value"


@pytest.mark.parametrize(
    "wrong",
    ["{{ Evnt.x }}", "{% iff %}", "{{ Event.x | upcas }}", "@Profil - x", "{{ 'a' | plus: 1 }}", "{{ 1 1 }}", "{{"],
)
def test_a_refusal_names_the_line(wrong: str) -> None:
    with pytest.raises(TemplateError, match=r"^line 4: ") as refused:
        Template.compile(f"{{% comment %}}\n@x - y\n{{% endcomment %}}@Profile - a\n  {wrong}")
    assert refused.value.line == 4


def test_the_variables_used_are_those_named_from_outside() -> None:
    values = compile_values(
        {
            "title": "{% assign first = Event.items[0] %}{{ first.name }} @Profile - 'first name'",
            "body": '{% if Event.on %}{{ Event["product name"] }}{% endif %}{{ 1 | plus: Event.more }}@charged - price',
            "loop": "{% for it in ConstantEventProperty %}{{ it }}{{ forloop.index }}{% endfor %}{{ Campaign.id }}",
        },
        events=EVENTS,
    )
    assert values.templates["title"].uses == {("Event", "items"), ("Profile", "first name")}
    assert values.templates["loop"].uses == {("ConstantEventProperty",), ("Campaign", "id")}
    assert values.event_properties == {"items", "on", "product name", "more", "price"}


def test_the_events_names_may_come_as_join_knows_them() -> None:
    assert Template.compile("@added to cart - price", events=["addedtocart"]).uses == {("Event", "price")}


def test_the_same_template_renders_in_many_threads_at_once() -> None:
    values = compile_values({"k": "{% assign x = Event.n %}{% for i in (1..50) %}{{ x }},{% endfor %}"})
    together = threading.Barrier(8)

    def once(n: int) -> str:
        together.wait()
        return str(values.render({"Event": {"n": n}})["k"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(once, range(8))) == [f"{n}," * 50 for n in range(8)]


def deep(levels: int) -> Json:
    nest: list[Json] = []
    for _ in range(levels):
        nest = [nest]
    return nest


HOSTILE: Mapping[str, Json] = {
    "Profile": {
        "long": "a" * 300_000,
        "cjk": "漢" * 300_000,
        "n": 10**9,
        "digits": 10**4_000,
        "float": 1e308,
        "inf": float("inf"),
        "exponent": "1e99",
    },
    "Event": {
        "numbers": list(range(8_000)),
        "items": [{"k": f"{'x' * 30}{i}"} for i in range(3_000)],
        "one": 1,
        "deep": deep(5_000),
        "surrogate": "\ud800",
    },
    "Events": [{"one": n, "text": "x" * 100} for n in range(200)],
}


def loops(turns: int, depth: int, body: str = "") -> str:
    for level in range(depth):
        body = f"{{% for i{level} in (1..{turns}) %}}{body}{{% endfor %}}"
    return body


def cases(matches: int, depth: int) -> str:
    when = ",".join(["1"] * matches)
    return f"{{% case Event.one %}}{{% when {when} %}}" * depth + "x" + "{% endcase %}" * depth


REFUSED_ATTACKS = {
    "a range as a list": "{{ (1..100000000) | join: ',' | size }}",
    "nested replace": "{{ 'aaaaaaaaaa'" + " | replace: 'a', 'aaaaaaaaaa'" * 30 + " }}",
    "a chain of products": "{{ 99999999" + " | times: 99999999" * 40 + " }}",
    "a long loop": "{% for i in (1..100000000) reversed %}{% endfor %}",
    "a width in a date": "{{ Profile.n | date: '%99999999d' }}",
    "a long layout": "{{ Profile.n | date: '" + "%A" * 400 + "' }}",
    "very many digits": "{{ 1 | number: 99999999 }}",
    "a file for a time zone": "{{ Profile.n | date: '%F', '/etc/localtime' }}",
    "all events as a text": "{{ Events | join: ',' }}",
    "deep brackets": "{{ Event.a" + "[Event.a" * 120 + "]" * 120 + " }}",
    "deep parentheses": "{% for i in " + "(" * 900 + " %}{% endfor %}",
    "deep blocks": "{% if Event.a %}" * 3_000,
    "spaces in a tag": "{% if 1" + " " * 40_000 + " %}{% endif %}",
    "never closed": "{{ " * 15_000,
    "never closed, a word": "{% " + "a" * 49_000,
    "never closed, spaces": "{%" + " " * 49_000,
    "never closed, raw": "{% raw %}" * 5_000,
    "too long": "x" * 50_001,
}

WITHHELD_ATTACKS = {
    "nested replace": "{{ Profile.long" + " | replace: 'a', 'aaaaaaaaaa'" * 30 + " }}",
    "replace of nothing": "{{ Profile.long | replace: '', Profile.long | size }}",
    "a long glue": "{{ Event.numbers | join: Profile.long | size }}",
    "split into characters": "{{ Profile.cjk | split: '' | size }}",
    "append doubling": "{% assign x = 'aaaaaaaaaa' %}" + "{% assign x = x | append: x %}" * 60 + "{{ x | size }}",
    "append in a loop": "{% assign x = 'a' %}" + loops(9_999, 1, "{% assign x = x | append: 'aaaaaaaaa' %}") + "x",
    "capture doubling": "{% assign x = 'aaaaaaaaaa' %}" + "{% capture x %}{{ x }}{{ x }}{% endcapture %}" * 60,
    "concat doubling": "{% assign x = Event.numbers %}" + "{% assign x = x | concat: x %}" * 60 + "{{ x | size }}",
    "url_encode": "{{ Profile.cjk" + " | url_encode" * 9 + " | size }}",
    "a chain of products": "{{ Profile.n" + " | times: Profile.n" * 40 + " }}",
    "long integers": "{{ Profile.digits | times: Profile.digits }}",
    "infinity": "{{ Profile.inf }}",
    "overflow": "{{ Profile.float | times: 10 }}",
    "overflow in a text": "{{ Profile.exponent | round }}",
    "a range to a variable, reversed": "{% for i in (1..Profile.n) reversed %}{% endfor %}x",
    "a range with an offset": "{% for i in (1..Profile.n) offset: 999999990 limit: 5 %}{{ i }}{% endfor %}",
    "a range to infinity": "{% for i in (1..Profile.inf) %}{% endfor %}x",
    "nested loops": loops(1_000, 4) + "x",
    "sequential loops": loops(9_999, 1) * 1_000 + "x",
    "a loop over much": loops(100, 2, "{% if 1 == 1 and 1 == 1 and 1 == 1 %}{% endif %}" * 200) + "x",
    "loops over lists": "{% for a in Event.numbers %}{% for b in Event.numbers %}{% endfor %}{% endfor %}x",
    "searching in a loop": loops(9_999, 1, "{% if Profile.long contains Profile.cjk %}{% endif %}") + "x",
    "comparing in a loop": loops(9_999, 1, "{% if Event.items == Event.items %}{% endif %}") + "x",
    "sorting in a loop": loops(9_999, 1, "{% assign x = Event.items | sort_natural: 'k' %}") + "x",
    "each with each": "{{ Event.items | uniq | size }}",
    "many variables": "".join(f"{{% assign v{i} = 1 %}}" for i in range(1_500)) + loops(9_999, 1, "{% assign v = 1 %}"),
    "a long text": "{{ Profile.long }}",
    "text in a loop": loops(9_999, 1, "x" * 100),
    "deep data": "{{ Event.deep }}",
    "a lone surrogate": "{{ Event.surrogate }}",
    "money in a loop": loops(9_999, 1, "{{ Profile.n | money: 'EUR' }}"),
    "dates in a loop": loops(9_999, 1, "{{ Profile.n | date: '%A %B', 'Europe/Berlin' }}"),
    "numbers in a loop": loops(9_999, 1, "{{ Profile.n | number: 9 }}"),
    "plurals in a loop": loops(9_999, 1, "{{ Profile.n | plural: one: 'a', other: 'b' }}"),
    "plurals that double": "{% assign x = Profile.long %}"
    + "{% assign x = 1 | plural: one: x, other: x | append: x %}" * 60,
    "a large amount": "{{ Profile.exponent | money: 'EUR' }}",
    "a long amount": "{{ Profile.digits | number }}",
    "an infinite amount": "{{ Profile.inf | money: 'EUR' }}",
    "a long currency": "{{ Profile.n | money: Profile.long }}",
    "a long layout": "{{ Profile.n | date: Profile.long }}",
    "a long time zone": "{{ Profile.n | date: '%F', Profile.long }}",
    "a far date": "{{ Profile.float | date: 'full' }}",
    "events with events": "{% for a in Events %}{% for b in Events %}{{ a.text }}{{ b.text }}{% endfor %}{% endfor %}",
    "sorting events in a loop": loops(9_999, 1, "{% assign x = Events | sort: 'text' %}") + "x",
}


@contextmanager
def peak_memory(megabytes: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("source", REFUSED_ATTACKS.values(), ids=REFUSED_ATTACKS)
def test_an_attack_that_can_be_seen_is_refused(source: str) -> None:
    started = time.process_time()
    with peak_memory(20), pytest.raises(TemplateError):
        Template.compile(source)
    assert time.process_time() - started < 5


@pytest.mark.slow
@pytest.mark.parametrize("source", WITHHELD_ATTACKS.values(), ids=WITHHELD_ATTACKS)
def test_an_attack_that_shows_when_rendering_is_withheld_in_little_memory(source: str) -> None:
    template = Template.compile(source)
    with peak_memory(20), pytest.raises(Withheld, match=r"^(limit|failed): "):
        template.render(HOSTILE)


@pytest.mark.parametrize(
    "source",
    [
        "{{ Profile.n | money: 'EUR' }}",
        "{{ Profile.n | date: '%A %B', 'Europe/Berlin' }}",
        "{{ Profile.n | number: 9 }}",
        "{{ Profile.n | plural: one: 'a', other: 'b' }}",
    ],
)
@pytest.mark.parametrize("locale", ["ar", "fr_CA", "zh_Hant_TW", "x" * 300_000])
def test_what_babel_does_is_paid_for(source: str, locale: str) -> None:
    """The price of a million such calls' worth of work is far below a second."""
    template = Template.compile(loops(9_999, 1, source))
    started = time.process_time()
    with pytest.raises(Withheld, match="limit"):
        template.render({"Profile": {"n": 10**9, "locale": locale}})
    assert time.process_time() - started < 5


def test_the_block_of_a_case_is_rendered_once_however_many_values_match() -> None:
    assert render(cases(matches=400, depth=14), HOSTILE) == "x"


def test_all_values_of_a_message_share_its_work() -> None:
    work = "{{ Profile.long | strip | size }}"
    values = compile_values({"a": work, "b": work})
    with pytest.raises(Withheld, match="limit") as withheld:
        values.render(HOSTILE)
    assert withheld.value.key == "b"


def test_a_long_newsletter_is_far_from_the_limit() -> None:
    row = "<tr><td>{{ it.k | upcase | truncate: 20 }}</td><td>{{ forloop.index | times: 1.5 }}</td></tr>\n"
    template = Template.compile("<p>text</p>\n" * 500 + "{% for it in Event.items %}" + row + "{% endfor %}")
    meter = Meter()
    text = template.render({"Event": {"items": [{"k": f"a product with number {n}"} for n in range(200)]}}, meter)
    assert text.count("<tr>") == 200
    assert meter.left > 0.9 * MAX_WORK


@given(st.text(st.characters(exclude_characters="{@", codec="utf-8"), min_size=1).filter(str.strip))
def test_text_without_braces_and_at_signs_is_left_alone(text: str) -> None:
    assume("*|" not in text)  # Mailchimp's markup, which is refused
    assert render(text) == text


PIECES = [
    *("{{", "}}", "{%", "%}", "@", " - ", "|", "'", '"', "(", ")", "[", "]", "..", ".", ",", ":", "=", "==", " ", "\n"),
    *("Event", "Profile", "price", "tags", "items", "added to cart", "ConstantEventProperty", "nil", "1", "-2", "0.5"),
    *("if", "endif", "for x in", "endfor", "assign x =", "case", "when", "endcase", "abort", "limit:", "raw", "endraw"),
    *("default", "date", "join", "map", "split", "replace", "times", "size", "first", "x", "money", "plural", "Events"),
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=25).map("".join))
def test_whatever_is_written_is_refused_or_rendered_or_withheld(source: str) -> None:
    with suppress(TemplateError, Withheld):  # and nothing else
        assert render(source).strip()


FILTERS = st.sampled_from(sorted(liquid_filters.FILTERS))
OPERANDS = st.sampled_from(
    [
        *(
            "Profile.first_name",
            "Profile.vip",
            "Profile.note",
            "Profile.nick",
            "Event.price",
            "Event.quantity",
            "Event.at",
        ),
        *(
            "Event.tags",
            "Event.items",
            "Event.items[0]",
            "'EUR'",
            "'UTC'",
            "Event.none",
            "Event.holes",
            "Event.html",
            "Event.day",
        ),
        *("ConstantEventProperty", "'%d'", "'name'", "0", "-1.5", "nil", "true"),
    ]
)


@given(OPERANDS, st.lists(st.tuples(FILTERS, st.lists(OPERANDS, max_size=2)), max_size=4))
def test_any_filter_takes_or_withholds_any_value(value: str, chain: list[tuple[str, list[str]]]) -> None:
    steps = "".join(f" | {name}: {', '.join(operands)}" if operands else f" | {name}" for name, operands in chain)
    with suppress(TemplateError, Withheld):  # and nothing else
        assert render(f"{{{{ {value}{steps} }}}}").strip()
