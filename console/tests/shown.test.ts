// What is shown of a text: which part of it came from where, what differs between two, and a made-up user.

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Traced, Variable } from "../src/api.js";
import { NEW_CAMPAIGN, read } from "../src/draft/text.js";
import { smallest } from "../src/editor/code.js";
import { parts } from "../src/editor/liquid.js";
import { saidBy } from "../src/editor/live.js";
import { columnLike, columnOf, withCatalogs } from "../src/editor/lookups.js";
import { needs, sampleOf } from "../src/editor/sample.js";
import { roundUp } from "../src/ui/charts.js";
import { lineChanges } from "../src/ui/lines.js";
import { shared } from "../src/ui/memo.js";
import { placesFor } from "../src/ui/palette.js";
import { moment, timeless } from "../src/ui/parts.js";
import { fittingOf } from "../src/ui/picker.js";

const traced = (text: string, ...variables: [string, Variable["origin"], string][]): Traced => ({
  text,
  reason: null,
  error: null,
  variables: variables.map(([name, origin, value]) => ({ name, origin, value })),
});
const told = (template: string, of: Traced): string =>
  parts(template, of)
    .map(({ text, variable }) => (variable ? `[${variable.name}=${text}]` : text))
    .join("");

test("each part of a text is its variable's", () => {
  const of = traced(
    "Ann, your white coat is waiting",
    ["Profile.first_name", "profile", "Ann"],
    ["ConstantEventProperty", "constant", "white coat"],
  );
  assert.equal(
    told("{{ Profile.first_name | default: 'Hi' }}, your {{ ConstantEventProperty }} is waiting", of),
    "[Profile.first_name=Ann], your [ConstantEventProperty=white coat] is waiting",
  );
  assert.equal(
    told("@Profile - first_name, your @ConstantEventProperty is  waiting ", of),
    "[Profile.first_name=Ann], your [ConstantEventProperty=white coat] is waiting",
  );
});

test("a value with a blank in it is whole, though a blank parts it from the next", () => {
  const of = traced("white coat red hat", ["Event.a", "event", "white coat"], ["Event.b", "event", "red hat"]);
  assert.equal(told("{{ Event.a }} {{ Event.b }}", of), "[Event.a=white coat] [Event.b=red hat]");
});

test("nothing is coloured by guess", () => {
  assert.equal(told("{% if a %}x{% endif %}", traced("x")), "x");
  assert.equal(
    told("{{ Event.a | upcase }}{{ Event.b }}", traced("XY", ["Event.a", "event", "x"], ["Event.b", "event", "Y"])),
    "XY",
  );
  assert.equal(told("Hi {{ Event.a }}", traced("Else")), "Else");
});

const piece = fc.constantFrom(
  "{{",
  "}}",
  "{{-",
  "-}}",
  "@",
  "@Profile - ",
  "@a ",
  " - ",
  "x",
  " ",
  '"',
  "|",
  "default: ",
  "\n",
  "{{ Event.a }}",
  "a".repeat(50),
  "é",
  "-}}-}}",
);

test("all parts together are the text, whatever the template is", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.array(piece, { maxLength: 60 }), (template, rendered) => {
      const text = rendered.join("");
      const found = parts(template.join(""), traced(text, ["Event.a", "event", "x"]));
      assert.equal(found.map((part) => part.text).join(""), text);
    }),
    { numRuns: 1000 },
  );
});

test("no template takes longer than a blink", () => {
  const words = Array.from({ length: 20 }, (_, n) => `word${n}`).join(" ");
  const six = Array.from({ length: 6 }, () => `{{ Event.a -}} ${words}`).join(" ");
  for (const [template, rendered] of [
    [six, `${words} `.repeat(40)],
    ["{{".repeat(9000), "x".repeat(19_000)],
    ["@".repeat(18_000), "@".repeat(18_000)],
    [`@${"a ".repeat(9000)}`, "a ".repeat(9000)],
    ["{{ Event.a }} ".repeat(1000), "a ".repeat(9000)],
    ["{{ Event.a }}a".repeat(1000), `${"a".repeat(18_000)}b`],
  ] as const) {
    const started = performance.now();
    parts(template, traced(rendered, ["Event.a", "event", "a"]));
    const took = performance.now() - started;
    assert.ok(took < 1000, `${template.slice(0, 30)}: ${took} ms`);
  }
});

test("a made-up user is made of any text within a blink", () => {
  const { form } = read(NEW_CAMPAIGN);
  assert.ok(form);
  for (const value of [
    `@a${" ".repeat(20_000)}`,
    "@Profile-".repeat(3000),
    `Profile${".a".repeat(10_000)}`,
    "@a - ".repeat(4000),
  ]) {
    const started = performance.now();
    const pairs = [{ key: "title", value }];
    const wanted = needs({ ...form, did: ["added"], pairs }, null);
    sampleOf({ ...form, did: ["added"], pairs }, { kind: "made-up", user: "", values: {} }, wanted);
    assert.ok(performance.now() - started < 1000, value.slice(0, 20));
  }
});

test("two texts differ by what was taken away and what was added", () => {
  const line = fc.constantFrom("a", "b", "c", "");
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.array(line, { maxLength: 12 }), (before, after) => {
      const changes = lineChanges(before, after);
      assert.ok(changes);
      assert.deepEqual(
        changes.filter(([kind]) => kind !== "+").map(([, text]) => text),
        before,
      );
      assert.deepEqual(
        changes.filter(([kind]) => kind !== "-").map(([, text]) => text),
        after,
      );
    }),
  );
});

test("a file of a hundred thousand lines is compared, or is said to be too long, at once", () => {
  const many = Array.from({ length: 100_000 }, (_, n) => `${n}`);
  const started = performance.now();
  assert.equal(lineChanges(many, [...many.slice(0, 50_000), "new", ...many.slice(50_000)])?.length, 100_001);
  assert.equal(lineChanges(many, many.toReversed()), null);
  assert.ok(performance.now() - started < 2000);
});

test("what a field is handed from elsewhere changes no more of it than differs", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const { from, to, insert } = smallest(before, after);
      assert.equal(before.slice(0, from) + insert + before.slice(to), after);
    }),
  );
  assert.deepEqual(smallest("one two", "one more two"), { from: 4, to: 4, insert: "more " });
});

test("the columns of a catalog without a row are offered, and lead back to it", () => {
  const catalogs = [{ name: "my-shop", columns: ["Name", 'List "price"'], rows: 1, imported_at: 1 }];
  const [group] = withCatalogs([], catalogs, []);
  assert.deepEqual(
    group?.items.map((each) => columnOf(each.insert)),
    [
      { catalog: "my-shop", column: "Name" },
      { catalog: "my-shop", column: 'List "price"' },
    ],
  );
  assert.deepEqual(withCatalogs([], catalogs, ["my-shop"]), []);
  assert.equal(columnOf("Event.price"), null);
});

test("an axis ends at a round number that is not below the highest bar", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (most) => roundUp(most) >= most && roundUp(most) <= most * 10),
  );
  assert.deepEqual([1, 3, 7, 12, 99, 101].map(roundUp), [1, 5, 10, 20, 100, 200]);
});

test("the column that a property names is the guess, else a name, else what there is", () => {
  const columns = ["Identity", "Name", "List price"];
  assert.equal(columnLike("product_name", columns), "Name");
  assert.equal(columnLike("product_id", columns), "Identity");
  assert.equal(columnLike("", columns), "Name");
  assert.equal(columnLike("Event.sku", ["SKU", "Name"]), "SKU");
  assert.equal(columnLike("Event.colour", ["Shade", "Size"]), "Shade");
  assert.equal(columnLike("Event.colour", []), "");
});

const options = fc.array(fc.record({ value: fc.string() }), { maxLength: 80 });

test("a picker offers what has the typed text in it and nothing else, what begins with it first", () => {
  fc.assert(
    fc.property(options, fc.string({ maxLength: 3 }), (all, typed) => {
      const query = typed.trim().toLowerCase();
      const found = fittingOf(all, typed);
      const begins = found.map(({ value }) => value.toLowerCase().startsWith(query));
      assert.ok(found.every(({ value }) => value.toLowerCase().includes(query)));
      assert.ok(begins.every((each, at) => at === 0 || begins[at - 1] || !each));
      assert.equal(found.length, Math.min(60, all.filter(({ value }) => value.toLowerCase().includes(query)).length));
    }),
  );
  const events = ["cart added", "added to cart", "charged"].map((value) => ({ value }));
  assert.deepEqual(
    fittingOf(events, " ADDED ").map(({ value }) => value),
    ["added to cart", "cart added"],
  );
  assert.deepEqual(fittingOf(events, ""), events);
});

const campaigns = fc.array(fc.record({ id: fc.string({ minLength: 1 }), name: fc.option(fc.string()) }));

test("whatever is typed into the palette leads somewhere: to what has it in its name, or to a user of that id", () => {
  fc.assert(
    fc.property(campaigns, fc.string(), fc.boolean(), (all, typed, may_edit) => {
      const places = placesFor(typed, all, { may_edit });
      const query = typed.trim().toLowerCase();
      assert.ok(places.length > 0 && places.length <= 9);
      for (const place of query ? places.slice(0, -1) : places)
        assert.ok(`${place.said} ${place.address}`.toLowerCase().includes(query));
      if (query) assert.equal(places.at(-1)?.address, `#/users/${encodeURIComponent(typed.trim())}`);
      assert.ok(may_edit || places.every(({ address }) => address !== "#/campaigns/new"));
    }),
  );
});

test("a sentence beside its time does not say it once more, and another time stays", () => {
  const at = new Date(2026, 8, 21, 9, 5, 7).getTime();
  const seen = (text: string): string => timeless(text, at).text;
  assert.equal(seen("added to cart coat at 09:05"), "added to cart coat");
  assert.equal(seen("added to cart coat at 2026-09-21 09:05"), "added to cart coat");
  assert.equal(seen("added to cart coat at 10:05"), "added to cart coat at 10:05");
  assert.equal(seen("added to cart coat at 2026-09-20 09:05"), "added to cart coat at 2026-09-20 09:05");
  assert.equal(seen("decided at 09:05 to send a message, id a at 09:05"), "decided to send a message, id a at 09:05");
  assert.deepEqual(timeless("due since 09:05:07: decided soon", at), { text: "due: decided soon", fine: true });
  assert.equal(seen("due since 09:05:08: decided soon"), "due since 09:05:08: decided soon");
  assert.match(moment(at, true).short, /07/);
  fc.assert(fc.property(fc.string(), fc.integer(), (text, when) => typeof timeless(text, when).text === "string"));
});

test("a preview is asked for by what the page has read, unless the API reads more in the file", () => {
  const { data } = read(NEW_CAMPAIGN);
  assert.deepEqual(saidBy(NEW_CAMPAIGN, data), { campaign: data });
  const merged = `base: &base {within: 1 hour}\n${NEW_CAMPAIGN}more:\n  <<: *base\n`;
  assert.deepEqual(saidBy(merged, read(merged).data), { source: merged });
  assert.equal(saidBy("a: [", read("a: [").data), null);
});

test("what says the same as before is the same object, and nothing says anything else", () => {
  const before = { rules: { caps: [{ in: "1 day" }, { in: "7 days" }] }, pairs: [{ key: "a", value: "x" }], gone: 1 };
  const after = shared(before, {
    rules: { caps: [{ in: "1 day" }, { in: "7 days" }] },
    pairs: [
      { key: "a", value: "x" },
      { key: "b", value: "y" },
    ],
  });
  assert.equal(after.rules, before.rules);
  assert.equal(after.pairs[0], before.pairs[0]);
  assert.notEqual(after.pairs, before.pairs);
  assert.deepEqual(Object.keys(after), ["rules", "pairs"]);

  assert.deepEqual(Object.keys(shared({ a: 1, b: 2 }, { b: 2, a: 1 })), ["b", "a"]);
  const value = fc.json().map((text) => JSON.parse(text) as unknown);
  fc.assert(
    fc.property(value, value, (one, other) => {
      const [said, text] = [structuredClone(other), JSON.stringify(one)];
      assert.equal(JSON.stringify(shared(one, other)), JSON.stringify(said)); // in its order, too
      assert.equal(JSON.stringify(one), text); // what others hold is as it was
      const again = structuredClone(said);
      const once = shared(said, again);
      if (typeof said === "object") assert.equal(once, said);
    }),
    { seed: 1 },
  );
});
