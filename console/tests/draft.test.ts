// What a draft is beside its text: its history, the identity of its rows, its id, its mistakes, and how it is kept.

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { begin, change, redo, TOGETHER_MS, undo } from "../src/draft/history.js";
import { identified, type Row } from "../src/draft/identity.js";
import { asDraft } from "../src/draft/kept.js";
import { allMistakes, at, isBlank, ownMistakes } from "../src/draft/mistakes.js";
import { named, withId } from "../src/draft/naming.js";
import { freeSlug, isId, slug } from "../src/draft/slug.js";
import { NEW_CAMPAIGN, read, setPairValue } from "../src/draft/text.js";
import { routeOf, to } from "../src/router.js";

test("every step is undone to what was before it, and done again", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 30 }), (texts) => {
      let history = begin("");
      const steps = [""];
      texts.forEach((next, n) => {
        history = change(history, next, null, n);
        if (next !== steps.at(-1)) steps.push(next);
      });
      for (const each of steps.toReversed()) {
        assert.equal(history.now, each);
        history = undo(history);
      }
      assert.equal(undo(history), history);
      for (const each of steps.slice(1)) {
        history = redo(history);
        assert.equal(history.now, each);
      }
      assert.equal(redo(history), history);
    }),
  );
});

test("letters typed into one field at once are one step; another field, or a pause, begins another", () => {
  let history = begin("");
  history = change(history, "a", "title", 0);
  history = change(history, "ab", "title", 100);
  history = change(history, "abc", "price", 200);
  history = change(history, "abcd", "price", 200 + TOGETHER_MS);
  assert.deepEqual(history.past, ["", "ab", "abc"]);
});

test("a new edit ends what could be done again", () => {
  const history = change(undo(change(begin("a"), "b", null, 0)), "c", null, 1);
  assert.deepEqual([history.now, history.future], ["c", []]);
});

test("a row keeps its identity when it is moved, renamed, or another one is removed", () => {
  let last = 0;
  const next = (): number => ++last;
  const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const list = fc.uniqueArray(key, { maxLength: 6 });
  fc.assert(
    fc.property(list, list, (before, after) => {
      const rows = identified([], before, next);
      const moved = identified(rows, after, next);
      assert.deepEqual(
        moved.map((row) => row.key),
        after,
      );
      assert.equal(new Set(moved.map((row) => row.id)).size, after.length);
      for (const row of rows) {
        const found = moved.find((each) => each.key === row.key);
        if (found) assert.equal(found.id, row.id);
      }
    }),
  );
  const rows: Row[] = [
    { id: 1, key: "title" },
    { id: 2, key: "price" },
  ];
  assert.deepEqual(
    identified(rows, ["price", "title"], next).map((row) => row.id),
    [2, 1],
  );
  assert.deepEqual(
    identified(rows, ["headline", "price"], next).map((row) => row.id),
    [1, 2],
  );
  assert.deepEqual(
    identified(rows, ["price"], next).map((row) => row.id),
    [2],
  );
});

test("an id follows its name, whatever the name is, and is none that is taken", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), (name) => {
      const id = slug(name);
      assert.ok(isId(id), id);
      const taken = new Set([id, `${id}-2`.slice(-63)]);
      const free = freeSlug(name, taken);
      assert.ok(isId(free) && !taken.has(free), free);
    }),
  );
  assert.equal(slug("Straße nach Malmö – 30%!"), "strasse-nach-malmo-30");
  assert.equal(slug("سلة"), "campaign");
});

test("the id of a new campaign is its name's until somebody writes one", () => {
  const taken = new Set(["cart"]);
  const one = named(NEW_CAMPAIGN, "Cart", taken, true);
  assert.equal(read(one).form?.id, "cart-2");
  const two = named(one, "Cart of coats", taken, true);
  assert.equal(read(two).form?.id, "cart-of-coats");
  const mine = withId(two, "My Own");
  assert.equal(read(named(mine, "Else", taken, true)).form?.id, "my-own");
  assert.equal(read(named(two, "Else", taken, false)).form?.id, "cart-of-coats");
});

const formOf = (source: string) => {
  const { form } = read(source);
  assert.ok(form);
  return form;
};
const ROW = {
  id: "cart",
  name: "Abandoned cart",
  revision: 1,
  paused: false,
  published_at: 0,
  published_by: null,
  did: [],
  did_not: [],
  within: "",
  one_per: "value" as const,
};

test("the id of a campaign that is live may not change, and a new one's may not be another's", () => {
  const form = { ...formOf(NEW_CAMPAIGN), id: "cart", constants: [] };
  assert.match(ownMistakes(form, { live: "basket", others: [ROW] })[0]?.message ?? "", /stays as it is: basket/);
  assert.deepEqual(ownMistakes(form, { live: "cart", others: [ROW] }), []);
  assert.match(ownMistakes(form, { live: null, others: [ROW] })[0]?.message ?? "", /belongs to “Abandoned cart”/);
  assert.match(ownMistakes({ ...form, id: "-x" }, { live: null, others: [] })[0]?.message ?? "", /small letters/);
});

test("every gap has a mistake of its own, and the API's word of the first one goes", () => {
  const form = {
    ...formOf(NEW_CAMPAIGN),
    did: ["added"],
    did_not: ["charged", "Ordered"],
    constants: [{ name: "product", in: { ordered: "p" } }],
  };
  const own = ownMistakes(form, { live: null, others: [] });
  assert.deepEqual(
    own.map((each) => each.path),
    [
      ["constant", 0, "in", "added"],
      ["constant", 0, "in", "charged"],
    ],
  );
  const [first] = own;
  assert.ok(first);
  const found = { ...first, path: ["constant", 0, "in"], message: "say which property of 'added' is the 'product'" };
  assert.deepEqual(allMistakes(own, [found]), own);
  assert.deepEqual(allMistakes([], [found]), [found]);
  assert.ok(isBlank({ constant: { in: {} } }, first));
  assert.ok(!isBlank({ constant: { in: { added: "x[" } } }, first));
  assert.deepEqual(at(own, ["constant", 0, "in", "charged"]), [own[1]]);
});

test("what is kept is a draft or nothing, whatever somebody put there", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.json(), fc.constantFrom("null", '{"source":1,"base":"","seen":0}')),
      (kept) => {
        const draft = asDraft(kept);
        if (draft)
          assert.deepEqual(
            Object.values(draft).map((each) => typeof each),
            ["string", "string", "number"],
          );
      },
    ),
  );
  assert.equal(asDraft('{"source":1,"base":"","seen":0}'), null);
  assert.deepEqual(asDraft('{"source":"a","base":"b","seen":3,"at":1}'), { source: "a", base: "b", seen: 3 });
});

test("an address is read, whatever it is, and one that the page made is read as it was meant", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (hash) => void routeOf(`#/${hash}`)));
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }), (parts) => {
      const { page, path } = routeOf(to(...parts));
      assert.deepEqual([page, ...path], parts);
    }),
  );
  assert.deepEqual(routeOf("#/users/%E0%A4%A").path, ["%E0%A4%A"]);
});

test("a draft with sixty pairs is edited within a frame or two", () => {
  let source = NEW_CAMPAIGN;
  for (let n = 0; n < 60; n++)
    source = setPairValue(source, `key_${n}`, `{{ Profile.first_name | default: "Hi" }}, ${n}`);
  const times = Array.from({ length: 20 }, (_, n) => {
    const started = performance.now();
    read(setPairValue(source, "key_30", `now ${n}`));
    return performance.now() - started;
  }).sort((a, b) => a - b);
  assert.ok((times[10] ?? 0) < 100, `${times[10]} ms`);
});
