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
convert: {on: charged, within: 7 days}
send:
  hours: {from: "08:00"}
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
      assert.deepEqual(data["convert"], { on: "charged", within: "7 days" });
      assert.equal((data["when"] as { grace?: string }).grace, "5 minutes");
      assert.deepEqual((data["send"] as { hours?: unknown }).hours, { from: "08:00" });
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
