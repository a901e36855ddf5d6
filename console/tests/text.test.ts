// The text of a campaign and the form that is a view of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import * as text from "../src/draft/text.js";

const FILE = `# Owned by the shop team.
id: cart
name: Abandoned cart
when:
  did: added to cart  # by the app
  did_not: [charged]
  within: 30 minutes
  grace: 5 minutes
constant:
  name: product
  in:
    added to cart: product_name
    charged: Items[].prod_name
snippets: {on: charged, within: 7 days}
send:
  footer: {from: "08:00"}
  values:
    title: "{{ Profile.first_name | default: 'Hi' }}, it is waiting"  # short
    price: |
      two
      lines
    cta: go
`;

const form = (source: string): text.Form => {
  const { form, wrong } = text.read(source);
  assert.ok(form, JSON.stringify(wrong));
  return form;
};

/** Whatever somebody may type: words, marks of YAML and of Liquid, blanks, emoji, right to left. */
const typed = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        "*Sale*",
        "&a",
        "*a",
        ": ",
        "- ",
        "#",
        " #",
        "{",
        "}",
        "[",
        "]",
        "'",
        '"',
        "{{ a }}",
        "|",
        ">",
        "!!x",
        "%",
        "@",
        "`",
        "---",
        "null",
        "true",
        "1e3",
        "0x1",
        "~",
        "=",
        "<<",
        "مرحبا",
        "👩‍👩‍👧",
        "  ",
        "\\",
        "a",
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join("")),
);
const oneLine = typed.map((each) => each.replace(/[\p{Cc}\u2028\u2029\uFEFF]/gu, " ").trim());
const name = oneLine.filter((each) => each !== "" && each.isWellFormed());
const value = oneLine.filter((each) => each.isWellFormed());

/** Files as people write them: this one with any lines of it taken away, doubled, or replaced. */
const broken = fc.array(fc.tuple(fc.nat(FILE.split("\n").length), fc.nat(3), typed), { maxLength: 6 }).map((edits) => {
  const lines = FILE.split("\n");
  for (const [at, how, by] of edits) {
    if (how === 0) lines.splice(at, 1);
    else if (how === 1) lines.splice(at, 0, by);
    else if (how === 2) lines[at] = `${lines[at] ?? ""}${by}`;
    else lines[at] = (lines[at] ?? "").replace(/: .*/, `: ${by}`);
  }
  return lines.join("\n");
});

type Edit = (source: string) => string;
const edit: fc.Arbitrary<Edit> = fc.oneof(
  value.map(
    (to): Edit =>
      (source) =>
        text.setText(source, ["name"], to, { optional: true }),
  ),
  value.map(
    (to): Edit =>
      (source) =>
        text.setText(source, ["when", "within"], to),
  ),
  fc.uniqueArray(name, { maxLength: 3 }).map(
    (names): Edit =>
      (source) =>
        text.setNames(source, "did", names),
  ),
  fc.uniqueArray(name, { maxLength: 3 }).map(
    (names): Edit =>
      (source) =>
        text.setNames(source, "did_not", names),
  ),
  fc.tuple(name, value).map(
    ([event, to]): Edit =>
      (source) =>
        text.setFilter(source, event, to),
  ),
  fc.tuple(fc.nat(2), name, value).map(
    ([at, event, to]): Edit =>
      (source) =>
        text.setConstantPath(source, at, event, to),
  ),
  fc.tuple(fc.nat(2), value).map(
    ([at, to]): Edit =>
      (source) =>
        text.setConstantName(source, at, to),
  ),
  name.map(
    (to): Edit =>
      (source) =>
        text.addConstant(source, { name: to, in: {} }),
  ),
  fc.nat(2).map(
    (at): Edit =>
      (source) =>
        text.removeConstant(source, at),
  ),
  fc.tuple(name, value).map(
    ([key, to]): Edit =>
      (source) =>
        text.setPairValue(source, key, to),
  ),
  fc.tuple(fc.nat(3), name).map(
    ([at, key]): Edit =>
      (source) =>
        text.renamePair(source, at, key),
  ),
  fc.tuple(fc.nat(3), fc.nat(3)).map(
    ([from, to]): Edit =>
      (source) =>
        text.movePair(source, from, to),
  ),
  fc.nat(3).map(
    (at): Edit =>
      (source) =>
        text.removePair(source, at),
  ),
  fc.tuple(fc.constantFrom("audience", "control", "again_after"), value).map(
    ([of, to]): Edit =>
      (source) =>
        text.setRule(source, ["send", of], to),
  ),
  fc.uniqueArray(name, { maxLength: 3 }).map(
    (names): Edit =>
      (source) =>
        text.setList(source, ["send", "instead_of"], names),
  ),
  fc.uniqueArray(name, { maxLength: 3 }).map(
    (names): Edit =>
      (source) =>
        text.setConverting(source, "undone_by", names),
  ),
  fc.tuple(fc.nat(2), name, value).map(
    ([at, key, to]): Edit =>
      (source) =>
        text.setVariantValue(text.addTo(source, ["send", "variants"], { name: key }), at, key, to),
  ),
  fc.tuple(fc.nat(2), value).map(
    ([at, to]): Edit =>
      (source) =>
        text.removeFrom(text.addTo(source, ["send", "per_user"], { in: to }), ["send", "per_user"], at),
  ),
  fc.tuple(name, name, value).map(
    ([catalog, column, property]): Edit =>
      (source) =>
        text.setLookup(source, { catalog, column, property }),
  ),
);

test("nothing throws for any text, and an edit of what cannot be read changes nothing", () => {
  fc.assert(
    fc.property(fc.oneof(typed, broken), edit, (source, change) => {
      const read = text.read(source);
      const after = change(source);
      if (read.wrong) assert.equal(after, source);
      else assert.ok(text.read(after).form);
      text.placeIn(source, ["send", "values", "title"]);
    }),
    { numRuns: 1500 },
  );
});

test("an alias that leads nowhere, a bomb and a deep nest are told with their line", () => {
  for (const [source, line, said] of [
    ["id: cart\nnote: *bo\n", 2, /\*bo/],
    ["id: cart\ntitle: *Sale*\n", 2, /quotes/],
    [`a: &a [x,x,x,x,x,x,x,x]\n${bomb(7)}`, 2, /aliases/],
    [`id: x\nwhen: ${"[".repeat(20_000)}`, 2, /levels/],
    [`id: x\n${"- ".repeat(200)}x`, 2, /levels/],
    ["x".repeat(200_001), 1, /200,000|200.000/],
    ["a: 1\n---\nb: 2\n", 2, /second document/],
    ["just a text", 1, /lines such as/],
    ["", 1, /lines such as/],
  ] as const) {
    const started = performance.now();
    const { wrong } = text.read(source);
    assert.ok(performance.now() - started < 1000, source.slice(0, 40));
    assert.ok(wrong, source.slice(0, 40));
    assert.equal(wrong.line, line, source.slice(0, 40));
    assert.match(wrong.message, said);
  }
});

function bomb(levels: number): string {
  const letters = "abcdefghij";
  return Array.from({ length: levels }, (_, n) => {
    const of = Array(8).fill(`*${letters[n]}`).join(",");
    return `${letters[n + 1]}: &${letters[n + 1]} [${of}]\n`;
  }).join("");
}

test("what was written in a field is what the field shows, and the rest of the form is as it was", () => {
  fc.assert(
    fc.property(value, (to) => {
      const before = form(FILE);
      const after = form(text.setText(FILE, ["when", "within"], to));
      assert.deepEqual(after, { ...before, within: to });
      const named = form(text.setText(FILE, ["name"], to, { optional: true }));
      assert.deepEqual(named, { ...before, name: to });
      const path = form(text.setConstantPath(FILE, 0, "charged", to));
      assert.equal(path.constants[0]?.in["charged"], to);
      const filtered = form(text.setFilter(FILE, "charged", to));
      assert.deepEqual(filtered.where, to === "" ? {} : { charged: to });
    }),
  );
});

test("events that are named are what the form shows, with their filters and properties", () => {
  const list = fc.uniqueArray(name, { maxLength: 4, selector: (each) => each.toLowerCase() });
  const filtered = text.setFilter(FILE, "charged", "total > `1`");
  fc.assert(
    fc.property(fc.constantFrom("did" as const, "did_not" as const), list, fc.boolean(), (key, names, filter) => {
      const before = form(filter ? filtered : FILE);
      const after = form(text.setNames(filter ? filtered : FILE, key, names));
      assert.deepEqual(after[key], names);
      const named = new Set([...after.did, ...after.did_not]);
      const kept = (of: Record<string, string>) =>
        Object.fromEntries(Object.entries(of).filter(([each]) => named.has(each)));
      assert.deepEqual(after.where, kept(before.where));
      assert.deepEqual(after.constants[0]?.in, kept(before.constants[0]?.in ?? {}));
      const first = form(text.setNames("send: {values: {a: b}}\n", key, names));
      assert.deepEqual(first[key], names);
    }),
  );
});

test("constants and look-ups come and go as the form says, whatever else is there", () => {
  fc.assert(
    fc.property(
      name,
      value,
      fc.constantFrom(FILE, "id: x\n", "constant: []\n", "constant:\n", "catalogs: {}\n"),
      (called, path, file) => {
        const before = form(file).constants;
        const added = text.addConstant(file, { name: called, in: {} });
        assert.deepEqual(form(added).constants, [...before, { name: called, in: {} }]);
        const last = before.length;
        assert.equal(form(text.setConstantPath(added, last, "charged", path)).constants[last]?.in["charged"], path);
        assert.equal(form(text.setConstantName(added, last, path)).constants[last]?.name, path);
        assert.deepEqual(form(text.removeConstant(added, last)).constants, before);
        const lookup = { catalog: "shop", column: called, property: path };
        const looked = text.setLookup(file, lookup);
        assert.deepEqual(form(looked).lookups, [lookup]);
        assert.deepEqual(form(text.removeLookup(looked, lookup)).lookups, []);
      },
    ),
  );
});

test("a pair's value is what was typed, in one line or several, and no other pair's", () => {
  const several = fc.array(value, { minLength: 1, maxLength: 4 }).map((lines) => lines.join("\n"));
  fc.assert(
    fc.property(fc.constantFrom("title", "price", "cta"), fc.oneof(value, several), (key, to) => {
      const before = form(FILE).pairs;
      const after = form(text.setPairValue(FILE, key, to)).pairs;
      assert.deepEqual(
        after,
        before.map((pair) => (pair.key === key ? { ...pair, value: to } : pair)),
      );
    }),
  );
});

test("pairs are moved, renamed, removed and added as a list would be", () => {
  type Op = (pairs: text.Pair[], source: string) => [text.Pair[], string];
  const op: fc.Arbitrary<Op> = fc.oneof(
    fc.tuple(fc.nat(4), fc.nat(4)).map(
      ([from, to]): Op =>
        (pairs, source) => {
          if (from >= pairs.length) return [pairs, text.movePair(source, from, to)];
          const rest = pairs.filter((_, n) => n !== from);
          return [[...rest.slice(0, to), pairs[from] as text.Pair, ...rest.slice(to)], text.movePair(source, from, to)];
        },
    ),
    fc.nat(4).map(
      (at): Op =>
        (pairs, source) => [pairs.filter((_, n) => n !== at), text.removePair(source, at)],
    ),
    fc.tuple(fc.nat(4), name).map(
      ([at, key]): Op =>
        (pairs, source) => {
          if (pairs.some((pair) => pair.key === key)) return [pairs, source];
          return [pairs.map((pair, n) => (n === at ? { ...pair, key } : pair)), text.renamePair(source, at, key)];
        },
    ),
    fc.tuple(name, value).map(
      ([key, to]): Op =>
        (pairs, source) => {
          if (pairs.some((pair) => pair.key === key)) return [pairs, source];
          return [[...pairs, { key, value: to, type: "" }], text.addPair(source, key, to)];
        },
    ),
  );
  fc.assert(
    fc.property(fc.array(op, { maxLength: 6 }), (ops) => {
      let pairs = form(FILE).pairs;
      let source = FILE;
      for (const each of ops) [pairs, source] = each(pairs, source);
      assert.deepEqual(form(source).pairs, pairs);
    }),
  );
});

test("keys that the form does not know, comments and order outlive every edit", () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 5 }), (edits) => {
      const after = edits.reduce((source, each) => each(source), FILE);
      const { data } = text.read(after);
      assert.ok(data);
      assert.ok(after.startsWith("# Owned by the shop team.\n"));
      assert.deepEqual(data["snippets"], { on: "charged", within: "7 days" });
      assert.equal((data["when"] as { grace?: string }).grace, "5 minutes");
      assert.deepEqual((data["send"] as { footer?: unknown }).footer, { from: "08:00" });
    }),
  );
});

test("one field that is edited leaves every other line as it was written", () => {
  assert.equal(text.setText(FILE, ["when", "within"], "45 minutes"), FILE.replace("30 minutes", "45 minutes"));
  assert.equal(text.setPairValue(FILE, "cta", "now"), FILE.replace("cta: go", "cta: now"));
});

test("events that go take their property and filter with them, and a filter of another event stays", () => {
  const filtered = text.setFilter(text.setFilter(FILE, "charged", "a"), "added to cart", "b");
  const after = form(text.setNames(filtered, "did_not", []));
  assert.deepEqual(after.where, { "added to cart": "b" });
  assert.deepEqual(after.constants, [{ name: "product", in: { "added to cart": "product_name" } }]);
});

test("what is written through an alias changes nothing that shares it", () => {
  const shared = FILE.replace("    cta: go", "    cta: &x go\n    more: *x");
  const after = form(text.setPairValue(shared, "more", "else"));
  assert.deepEqual(after.pairs.slice(-2), [
    { key: "cta", value: "go", type: "" },
    { key: "more", value: "else", type: "" },
  ]);
  const where = "when: &w {did: a, within: 1 h}\nother: *w\nsend: {values: {t: x}}\n";
  const data = text.read(text.setText(where, ["other", "within"], "2 h")).data;
  assert.deepEqual(data?.["when"], { did: "a", within: "1 h" });
});

test("a value with a type keeps it while its template is edited", () => {
  for (const file of [
    FILE.replace("cta: go", 'cta: {value: "{{ Event.n }}", type: number}'),
    FILE.replace("cta: go", 'cta:\n      type: number\n      value: "{{ Event.n }}"'),
  ]) {
    assert.deepEqual(form(file).pairs.at(-1), { key: "cta", value: "{{ Event.n }}", type: "number" });
    fc.assert(
      fc.property(value, (to) => {
        assert.deepEqual(form(text.setPairValue(file, "cta", to)).pairs.at(-1), {
          key: "cta",
          value: to,
          type: "number",
        });
      }),
      { numRuns: 50 },
    );
  }
});

test("all of the triggers, or any of them, is a choice that keeps the events", () => {
  const file = FILE.replace("did: added to cart  # by the app", "did: [added to cart, viewed]");
  const any = text.setAny(file, true);
  assert.deepEqual([form(any).did, form(any).any], [["added to cart", "viewed"], true]);
  assert.deepEqual(text.read(any).data?.["when"], {
    did_any: ["added to cart", "viewed"],
    did_not: ["charged"],
    within: "30 minutes",
    grace: "5 minutes",
  });
  assert.deepEqual(form(text.setNames(any, "did", ["x"])).did, ["x"]);
  assert.deepEqual(form(text.setAny(any, false)), form(file));
});

test("a catalog's row is written, shown, and taken away again", () => {
  const lookup = { catalog: "products", column: "List name", property: "product_name" };
  const after = text.setLookup(FILE, lookup);
  assert.deepEqual(form(after).lookups, [lookup]);
  assert.ok(after.indexOf("catalogs:") < after.indexOf("send:"));
  assert.deepEqual(form(text.removeLookup(after, lookup)), form(FILE));
});

test("a mistake is led to by its line", () => {
  assert.deepEqual(text.placeIn(FILE, ["when", "within"]), { line: 7, column: 3 });
  assert.deepEqual(text.placeIn(FILE, ["constant", 0, "in", "charged"]), { line: 13, column: 5 });
  assert.deepEqual(text.placeIn(FILE, ["nowhere"]), { line: 1, column: 1 });
});

const RULED = FILE.replace(
  "send:\n",
  `convert: {}
send:
  # by the law
  hours: {from: "08:00", to: "21:00", days: [Monday, tue]}  # of the shop
  per_user: {at_most: 1, in: 1 day}
  control: 5%
  variants:
    - {name: a, weight: 2, values: {cta: go}}
    - {name: b, values: {cta: {value: "{{ Event.n }}", type: number}}}
`,
);

test("rules are what the form shows, however they are written", () => {
  assert.deepEqual(form(RULED).rules, {
    audience: "",
    start: "",
    end: "",
    hours: { days: ["mon", "tue"], from: "08:00", to: "21:00", zone: "", otherwise: "" },
    again_after: "",
    caps: [{ at_most: "1", in: "1 day" }],
    priority: "",
    instead_of: [],
    control: "5%",
    variants: [
      { name: "a", weight: "2", pairs: [{ key: "cta", value: "go", type: "" }] },
      { name: "b", weight: "", pairs: [{ key: "cta", value: "{{ Event.n }}", type: "number" }] },
    ],
  });
  assert.deepEqual(form(RULED).convert, { on: [], within: "", amount: "", currency: "", undone_by: [] });
  assert.equal(form(FILE).convert, null);
  assert.equal(form(FILE).rules.hours, null);
});

test("a rule that is written is what its field shows, and one that is emptied is gone with what held it", () => {
  const path = fc.constantFrom(
    ["send", "audience"],
    ["send", "again_after"],
    ["send", "hours", "zone"],
    ["convert", "amount"],
    ["send", "priority"],
  );
  fc.assert(
    fc.property(path, name, fc.constantFrom(FILE, RULED), (at, to, file) => {
      const after = text.setRule(file, at, to, { number: at[1] === "priority" });
      const { rules, convert } = form(after);
      const shown = { ...rules, zone: rules.hours?.zone, amount: convert?.amount } as Record<string, unknown>;
      // What is a number in words is one in the file, and is shown as JavaScript writes it.
      const key = at.at(-1) ?? "";
      assert.ok(
        shown[key] === to || (key === "priority" && Number(shown[key]) === Number(to)),
        `${key}: ${shown[key]}`,
      );
      if (at[0] !== "convert") assert.deepEqual(form(text.setRule(after, at, "")), form(file));
    }),
  );
  const emptied = ["from", "to", "days"].reduce((file, key) => text.setRule(file, ["send", "hours", key], ""), RULED);
  assert.equal(form(emptied).rules.hours, null);
  assert.ok(!emptied.includes("hours"));
  assert.deepEqual(form(text.setRule(RULED, ["convert", "within"], "")).convert, form(RULED).convert);
});

test("numbers are written as numbers, and lists of names in one line", () => {
  assert.ok(text.setRule(FILE, ["send", "priority"], "-3", { number: true }).includes("\n  priority: -3\n"));
  assert.ok(text.setRule(RULED, ["send", "per_user", "at_most"], "20", { number: true }).includes("{at_most: 20, in"));
  assert.ok(text.setList(FILE, ["send", "instead_of"], ["one"]).includes("\n  instead_of: one\n"));
  const two = text.setList(FILE, ["send", "instead_of"], ["one", "two"]);
  assert.ok(two.includes("\n  instead_of: [one, two]\n"), two);
  assert.equal(form(text.setList(two, ["send", "instead_of"], [])).rules.instead_of.length, 0);
});

test("caps come and go, whether there is one or a list", () => {
  const cap = { at_most: "3", in: "7 days" };
  const two = text.addTo(RULED, ["send", "per_user"], { at_most: 3, in: "7 days" });
  assert.deepEqual(form(two).rules.caps, [{ at_most: "1", in: "1 day" }, cap]);
  const at = (file: string, number: number) => text.itemAt(file, ["send", "per_user"], number);
  const changed = text.setRule(two, [...at(two, 1), "in"], "8 days");
  assert.deepEqual(form(changed).rules.caps[1], { ...cap, in: "8 days" });
  assert.deepEqual(form(text.setRule(RULED, [...at(RULED, 0), "in"], "2 days")).rules.caps[0]?.in, "2 days");
  const one = text.removeFrom(two, ["send", "per_user"], 0);
  assert.deepEqual(form(one).rules.caps, [cap]);
  assert.deepEqual(form(text.removeFrom(one, ["send", "per_user"], 0)).rules.caps, []);
  assert.deepEqual(form(text.addTo(FILE, ["send", "per_user"], { at_most: 3, in: "7 days" })).rules.caps, [cap]);
});

test("a variant's text is its own, and keeps its type", () => {
  fc.assert(
    fc.property(fc.nat(1), value, (number, to) => {
      const before = form(RULED);
      const after = form(text.setVariantValue(RULED, number, "cta", to));
      const variants = before.rules.variants.map((each, n) =>
        n === number ? { ...each, pairs: each.pairs.map((pair) => ({ ...pair, value: to })) } : each,
      );
      assert.deepEqual(after, { ...before, rules: { ...before.rules, variants } });
    }),
  );
  const more = text.setWhole(RULED, ["send", "variants", 0, "values", "price"], "9");
  assert.equal(form(more).rules.variants[0]?.pairs.length, 2);
  assert.deepEqual(form(text.removeVariantValue(more, 0, "price")), form(RULED));
});

test("the events of a conversion bring their properties, and take them along", () => {
  const on = text.setConverting(RULED, "on", ["paid", "charged"]);
  assert.deepEqual(text.namedBy(form(on)), ["added to cart", "charged", "paid"]);
  const said = text.setConstantPath(on, 0, "paid", "items[].name");
  const none = form(text.removeConvert(said));
  assert.equal(none.convert, null);
  assert.deepEqual(none.constants, form(RULED).constants);
  // What is an exit as well keeps its property, and so does an exit that goes and converts.
  const kept = form(text.setNames(text.setConverting(RULED, "on", ["charged"]), "did_not", []));
  assert.equal(kept.constants[0]?.in["charged"], "Items[].prod_name");
});

test("the hours' comment and the file's order outlive an edit of them", () => {
  const after = text.setList(RULED, ["send", "hours", "days"], ["sat", "sun"]);
  assert.equal(after, RULED.replace("[Monday, tue]", "[sat, sun]").replace(/(\S) {2}#/g, "$1 #"));
  assert.equal(text.setRule(RULED, ["send", "hours", "to"], "20:30"), RULED.replace("21:00", "20:30"));
});
