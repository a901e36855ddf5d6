"""Golden cases, after Liquid's documentation: each filter and tag that is allowed, and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.core.templates.bounds import TAGS
from holdfast.core.templates.filters import FILTERS
from holdfast.core.templates.templates import compile_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.templates.templates import Json

CONTEXT: Mapping[str, Json] = {
    "Profile": {},
    "Secret": "key",
    "Event": {
        "price": 1234.5,
        "quantity": 3,
        "html": "<b>Tom & Jerry</b>",
        "numbers": [3, 1, 2, 3],
        "words": ["b", "A", "c", "a"],
        "items": [
            {"name": "coat", "price": 89, "stock": True},
            {"name": "hat", "price": 9.5, "stock": False},
            {"name": "bag", "price": None},
        ],
    },
}

FILTERED: Mapping[str, Mapping[str, str]] = {
    "abs": {"{{ -17 | abs }}": "17", "{{ '-1.5' | abs }}": "1.5"},
    "append": {"{{ 'a' | append: 'b' }}": "ab", "{{ Event.quantity | append: ' pieces' }}": "3 pieces"},
    "at_least": {"{{ 4 | at_least: 5 }} {{ 4 | at_least: 3 }}": "5 4"},
    "at_most": {"{{ 4 | at_most: 3 }} {{ 4 | at_most: 5 }}": "3 4"},
    "base64_decode": {"{{ 'b25lIHR3bw==' | base64_decode }}": "one two"},
    "base64_encode": {"{{ 'one two' | base64_encode }}": "b25lIHR3bw=="},
    "base64_url_safe_decode": {"{{ 'Pz8_' | base64_url_safe_decode }}": "???"},
    "base64_url_safe_encode": {"{{ '???' | base64_url_safe_encode }}": "Pz8_"},
    "capitalize": {"{{ 'my GREAT title' | capitalize }}": "My great title"},
    "ceil": {"{{ 1.2 | ceil }} {{ 2 | ceil }} {{ '3.4' | ceil }}": "2 2 4"},
    "compact": {
        "{{ Event.items | map: 'price' | compact | join: '+' }}": "89+9.5",
        "{{ Event.items | compact: 'price' | size }}": "2",
    },
    "concat": {"{{ 'x,y' | split: ',' | concat: Event.words | join }}": "x y b A c a"},
    "date": {
        "{{ '2026-11-23T10:00:00Z' | date: '%a, %-d %b %y, %I:%M %p' }}": "Mon, 23 Nov 26, 10:00 AM",
        "{{ '2026-11-23' | date: 'short' }}, {{ '2026-11-23' | date: 'medium' }}": "11/23/26, Nov 23, 2026",
        "{{ '2026-11-23' | date: 'long' }}, {{ '2026-11-23' | date: 'full' }}": (
            "November 23, 2026, Monday, November 23, 2026"
        ),
        "{{ '2026-11-23T23:30:00Z' | date: '%F %H:%M %z', 'Europe/Berlin' }}": "2026-11-24 00:30 +0100",
        "{{ '2026-07-23T23:30:00Z' | date: '%F %H:%M', 'Europe/Berlin' }}": "2026-07-24 01:30",
        "{{ 1795435200 | date: '%F %H:%M', 'Asia/Kolkata' }}": "2026-11-23 17:30",
        "{{ '2026-11-23T10:00' | date: '%H:%M', 'Asia/Tokyo' }}": "10:00",
        "{{ 0 | date: '%d%%' }}": "01%",
        # every directive that Ruby has
        "{{ '2026-03-04T05:06:07.089Z' | date: '%Y %C %y %m %-m %B %^B %b %h %j' }}": (
            "2026 20 26 03 3 March MARCH Mar Mar 063"
        ),
        "{{ '2026-03-04T05:06:07.089Z' | date: '%d %-d %e %H %k %I %l %M %S %L %N' }}": (
            "04 4  4 05  5 05  5 06 07 089 089000000"
        ),
        "{{ '2026-03-04T15:06:07Z' | date: '%p %P %A %^a %u %w %U %W %V %G %g' }}": (
            "PM pm Wednesday WED 3 3 09 09 10 2026 26"
        ),
        "{{ '2026-03-04T15:06:07Z' | date: '%D|%F|%R|%T|%r|%v|%s|%%F' }}": (
            "03/04/26|2026-03-04|15:06|15:06:07|03:06:07 PM| 4-MAR-2026|1772636767|%F"
        ),
        "{{ '2026-03-04T15:06:07+02:00' | date: '%z %:z|%n|%t|' }}": "+0200 +02:00|\n|\t|",
        "{{ '2026-03-04T15:06:07Z' | date: '%x' }} {{ '2026-03-04T15:06:07Z' | date: '%X' }}": "3/4/26 3:06:07\u202fPM",
        "{{ '2026-03-04T15:06:07Z' | date: '%c' }}": "Mar 4, 2026, 3:06:07\u202fPM",
        "{{ '2026-03-04 15:06:07 UTC' | date: '%F %H' }}": "2026-03-04 15",
    },
    "default": {"{{ Profile.nick | default: 'you' }} {{ false | default: 1 }} {{ 0 | default: 1 }}": "you false 0"},
    "divided_by": {"{{ 16 | divided_by: 4 }} {{ 5 | divided_by: 3 }} {{ 20 | divided_by: 8.0 }}": "4 1 2.5"},
    "downcase": {"{{ 'Parker MOORE' | downcase }}": "parker moore"},
    "escape": {"{{ Event.html | escape }}": "&lt;b&gt;Tom &amp; Jerry&lt;/b&gt;"},
    "escape_once": {"{{ '1 &lt; 2 & 3' | escape_once }}": "1 &lt; 2 &amp; 3"},
    "find": {"{% assign hat = Event.items | find: 'name', 'hat' %}{{ hat.price }}": "9.5"},
    "find_index": {"{{ Event.items | find_index: 'name', 'hat' }}": "1"},
    "first": {"{{ Event.words | first }}": "b"},
    "floor": {"{{ 1.8 | floor }} {{ '3.5' | floor }}": "1 3"},
    "has": {"{{ Event.items | has: 'name', 'hat' }} {{ Event.items | has: 'name', 'cap' }}": "true false"},
    "hmac_sha256": {
        "{{ Event.words[1] | hmac_sha256 }}": "b1d20846db4712497db39bf286e6cc98b16c232673d46a435c0965a083a4acf3"
    },
    "json": {
        "{{ Event.items | json }}": (
            '[{"name": "coat", "price": 89, "stock": true}, {"name": "hat", "price": 9.5, "stock": false},'
            ' {"name": "bag", "price": null}]'
        ),
        "{{ 'a \"b\" \\ \n é' | json }} {{ 1.5 | json }} {{ true | json }}": '"a \\"b\\" \\\\ \\n é" 1.5 true',
    },
    "json_escape": {"{{ 'a \"b\" \\' | json_escape }}": 'a \\"b\\" \\\\'},
    "md5": {"{{ 'a' | md5 }}": "0cc175b9c0f1b6a831c399e269772661"},
    "sha256": {"{{ 'a' | sha256 }}": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
    "join": {"{{ Event.words | join: '/' }} {{ Event.words | join }}": "b/A/c/a b A c a"},
    "last": {"{{ Event.words | last }}": "a"},
    "lstrip": {"[{{ '  a ' | lstrip }}]": "[a ]"},
    "map": {"{{ Event.items | map: 'name' | join: ', ' }}": "coat, hat, bag"},
    "minus": {
        "{{ '2026-11-23' | minus: '1 week' }}": "2026-11-16",
        "{{ 16 | minus: 4 }} {{ 183.357 | minus: 12 }}": "12 171.357",
    },
    "modulo": {"{{ 3 | modulo: 2 }} {{ 24 | modulo: 7 }} {{ 183.357 | modulo: 12 }}": "1 3 3.357"},
    "money": {
        "{{ Event.price | money: 'EUR' }} {{ Event.quantity | money: 'usd' }}": "€1,234.50 $3.00",
        "{{ 1234.5 | money: 'JPY' }} {{ '12.345' | money: 'KWD' }}": "¥1,235 KWD\xa012.345",
        "{{ 2.665 | money: 'EUR' }} {{ -0.5 | money: 'EUR' }}": "€2.67 -€0.50",
    },
    "newline_to_br": {"{{ 'a\nb' | newline_to_br }}": "a<br />\nb"},
    "number": {
        "{{ Event.price | number }} {{ 12345678 | number }} {{ 0.123456 | number }}": "1,234.5 12,345,678 0.123",
        "{{ Event.price | number: 2 }} {{ 2.5 | number: 0 }} {{ '7' | number: 1 }}": "1,234.50 3 7.0",
    },
    "plural": {
        "{{ 1 | plural: one: 'item', other: 'items' }} {{ 2 | plural: one: 'item', other: 'items' }}": "item items",
        "{{ 0 | plural: one: 'a', other: 'b' }} {{ 1.0 | plural: one: 'a', other: 'b' }}": "b a",
        "{{ 1.5 | plural: one: 'a', other: 'b' }} {{ 1 | plural: other: 'b' }}": "b b",
        "{{ Event.items.size | plural: one: Event.words[0], other: Event.words[1] }}": "A",
    },
    "plus": {
        "{{ '2026-11-23T10:00:00Z' | plus: '3 days' }}": "2026-11-26T10:00:00Z",
        "{{ 4 | plus: 2 }} {{ 183.25 | plus: 12 }}": "6 195.25",
    },
    "prepend": {"{{ 'apples' | prepend: 'red ' }}": "red apples"},
    "reject": {"{{ Event.items | reject: 'stock' | map: 'name' | join }}": "hat bag"},
    "remove": {"{{ 'I strained to see the train' | remove: 'rain' }}": "I sted to see the t"},
    "remove_first": {"{{ 'I strained to see the train' | remove_first: 'rain' }}": "I sted to see the train"},
    "remove_last": {"{{ 'I strained to see the train' | remove_last: 'rain' }}": "I strained to see the t"},
    "replace": {"{{ 'my book, my way' | replace: 'my', 'your' }}": "your book, your way"},
    "replace_first": {"{{ 'my book, my way' | replace_first: 'my', 'your' }}": "your book, my way"},
    "replace_last": {"{{ 'my book, my way' | replace_last: 'my', 'your' }}": "my book, your way"},
    "reverse": {"{{ Event.words | reverse | join }}": "a c A b"},
    "round": {
        "{{ 1.2 | round }} {{ 2.7 | round }} {{ 183.357 | round: 2 }}": "1 3 183.36",
        "{{ 2.5 | round }} {{ 10.5 | round }} {{ -2.5 | round }} {{ 0.5 | round }}": "3 11 -3 1",
        "{{ 6.125 | round: 2 }} {{ 1.005 | round: 2 }} {{ 2 | round: 2 }} {{ 1250 | round: -2 }}": "6.13 1.01 2 1300",
        "{{ '12.25' | times: 0.5 | round: 2 }}": "6.13",
    },
    "rstrip": {"[{{ '  a ' | rstrip }}]": "[  a]"},
    "size": {"{{ 'Ground control' | size }} {{ Event.words | size }}": "14 4"},
    "slice": {
        "{{ 'Liquid' | slice: 0 }} {{ 'Liquid' | slice: 2, 3 }} {{ 'Liquid' | slice: -3, 2 }}": "L qui ui",
        "{{ Event.numbers | slice: 1, 2 | join }}": "1 2",
    },
    "sort": {
        "{{ Event.words | sort | join }}": "A a b c",
        "{{ Event.items | sort: 'name' | map: 'name' | join }}": "bag coat hat",
    },
    "sort_natural": {"{{ 'zebra,Octopus,giraffe' | split: ',' | sort_natural | join }}": "giraffe Octopus zebra"},
    "split": {"{{ 'John, Paul' | split: ', ' | join: '-' }}": "John-Paul"},
    "squish": {"{{ ' a   b \n c ' | squish }}": "a b c"},
    "strip": {"[{{ '  a ' | strip }}]": "[a]"},
    "strip_html": {"{{ Event.html | strip_html }}": "Tom & Jerry"},
    "strip_newlines": {"{{ 'a\nb' | strip_newlines }}": "ab"},
    "sum": {"{{ Event.numbers | sum }} {{ Event.items | sum: 'price' }}": "9 98.5"},
    "time": {
        "{{ '2026-11-23T16:05:09Z' | time }} {{ '2026-11-23T16:05:09Z' | time: 'medium' }}": (
            "4:05\u202fPM 4:05:09\u202fPM"
        ),
        "{{ '2026-11-23T16:05:09Z' | time: 'short', 'America/New_York' }}": "11:05\u202fAM",
    },
    "times": {"{{ 3 | times: 2 }} {{ 183.357 | times: 12 }}": "6 2200.284"},
    "truncate": {
        "{{ 'Ground control to Major Tom.' | truncate: 20 }}": "Ground control to...",
        "{{ 'Ground control to Major Tom.' | truncate: 25, ', and so on' }}": "Ground control, and so on",
    },
    "truncatewords": {
        "{{ 'Ground control to Major Tom.' | truncatewords: 3 }}": "Ground control to...",
        "{{ 'Ground control to Major Tom.' | truncatewords: 3, '--' }}": "Ground control to--",
    },
    "uniq": {"{{ Event.numbers | uniq | join }} {{ Event.items | uniq: 'stock' | size }}": "3 1 2 3"},
    "upcase": {"{{ 'Parker Moore' | upcase }}": "PARKER MOORE"},
    "url_decode": {"{{ '%27Stop%21%27+said+Fred' | url_decode }}": "'Stop!' said Fred"},
    "url_encode": {"{{ 'john@liquid.com, a' | url_encode }}": "john%40liquid.com%2C+a"},
    "where": {
        "{{ Event.items | where: 'stock' | map: 'name' | join }}": "coat",
        "{{ Event.items | where: 'name', 'bag' | size }}": "1",
    },
}

TAGGED: Mapping[str, Mapping[str, str]] = {
    "#": {"a{% # an aside %}b": "ab", "{%- # one\n  # two -%} b": "b"},
    "abort": {"{% if Event.price > 9999 %}{% abort 'dear' %}{% endif %}cheap": "cheap"},
    "assign": {"{% assign n = Event.quantity | times: 2 %}{{ n }}": "6"},
    "break": {"{% for i in (1..5) %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}": "123"},
    "capture": {"{% capture c %}{{ Event.quantity }} pcs{% endcapture %}{{ c | upcase }}": "3 PCS"},
    "case": {
        "{% case Event.quantity %}{% when 1, 2 %}few{% when 3 or 4 %}some{% else %}many{% endcase %}": "some",
        "{% case Event.quantity %}{% when 1 %}one{% else %}many{% endcase %}": "many",
    },
    "comment": {"a{% comment %} {{ anything }} {% goes %} {% endcomment %}b": "ab"},
    "continue": {"{% for i in (1..5) %}{% if i == 4 %}{% continue %}{% endif %}{{ i }}{% endfor %}": "1235"},
    "for": {
        "{% for it in Event.items %}{{ it.name }}{% unless forloop.last %}, {% endunless %}{% endfor %}": (
            "coat, hat, bag"
        ),
        "{% for n in Event.numbers limit: 2 offset: 1 %}{{ n }}{% endfor %}": "12",
        "{% for n in Event.numbers reversed %}{{ n }}{% endfor %}": "3213",
        "{% for n in Event.numbers limit: 2 %}{{ n }}{% endfor %}{% for n in Event.numbers offset: continue %}"
        "-{{ n }}{% endfor %}": "31-2-3",
        "{% for i in (3..5) %}{{ i }}{% endfor %}": "345",
        "{% for it in Profile.items %}{{ it }}{% else %}none{% endfor %}": "none",
        "{% for it in Event.words %}{{ forloop.index0 }}{{ forloop.rindex }} {% endfor %}": "04 13 22 31 ",
    },
    "if": {
        "{% if Event.price > 1000 and Event.quantity == 3 %}a{% elsif Event.price %}b{% else %}c{% endif %}": "a",
        "{% if Event.words contains 'c' %}a{% endif %}{% if Event.html contains 'Tom' %}b{% endif %}": "ab",
        "{% if true or false and false %}a{% endif %}": "a",
    },
    "raw": {"{% raw %}{{ as it is }} {% if %}{% endraw %}": "{{ as it is }} {% if %}"},
    "unless": {"{% unless Event.price > 9999 %}cheap{% else %}dear{% endunless %}": "cheap"},
}


@pytest.mark.parametrize(
    ("source", "text"), [case for cases in [*FILTERED.values(), *TAGGED.values()] for case in cases.items()]
)
def test_prints(source: str, text: str) -> None:
    assert compile_values({"k": source}).render(CONTEXT) == {"k": text}


def test_there_is_a_case_for_each_filter_and_tag() -> None:
    assert FILTERED.keys() == FILTERS.keys()
    assert TAGGED.keys() == TAGS
    assert all(f"| {name}" in source for name, cases in FILTERED.items() for source in cases)
