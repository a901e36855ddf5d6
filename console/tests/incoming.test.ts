// What came in while somebody looked on.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Came } from "../src/api.js";
import {
  fits,
  keepValues,
  keptValues,
  LONGEST_MS,
  lastValues,
  looked,
  MOST_SHOWN,
  NOTHING,
  type Row,
  shapeOf,
  sharesOf,
  touchOf,
} from "../src/incoming/records.js";

const came = (more: Partial<Came> = {}): Came => ({
  came: 1,
  form: "plain event",
  read: "event",
  user: "ann",
  event: "added to cart",
  at: 1,
  properties: [],
  campaigns: [],
  reason: "",
  again: false,
  values: {},
  ...more,
});
const rows = (...records: Partial<Came>[]): Row[] => records.map((each, number) => ({ ...came(each), number }));

test("the newest stands first, each has a number of its own, and what is not shown is counted", () => {
  const one = looked(NOTHING, { records: [came({ user: "a" }), came({ user: "b", read: "rejected" })], more: 3 });
  const two = looked(one, { records: [came({ user: "c" })], more: 1 });
  assert.deepEqual(
    two.rows.map(({ user, number }) => [user, number]),
    [
      ["c", 2],
      ["b", 1],
      ["a", 0],
    ],
  );
  assert.deepEqual([two.count, two.more, two.reads], [3, 4, { event: 2, rejected: 1 }]);
  assert.equal(looked(two, { records: [], more: 0 }), two);
});

test("only so many are shown, however many come", () => {
  let all = NOTHING;
  for (let turn = 0; turn < 50; turn++)
    all = looked(all, { records: Array.from({ length: 25 }, () => came()), more: 0 });
  assert.equal(all.rows.length, MOST_SHOWN);
  assert.equal(all.count, 1250);
  assert.equal(new Set(all.rows.map(({ number }) => number)).size, MOST_SHOWN);
});

test("an event is chosen without regard to case and spaces, a user to the letter", () => {
  assert.ok(fits(came(), { user: "", event: "" }));
  assert.ok(fits(came(), { user: "ann", event: "AddedTo Cart" }));
  assert.ok(!fits(came(), { user: "Ann", event: "" }));
  assert.ok(!fits(came(), { user: "", event: "charged" }));
});

test("the share of an event's records that bears a property", () => {
  const shapes = ["string name", "number price", "string price"];
  const shares = sharesOf(rows({ properties: shapes }, { properties: ["string name"] }, { read: "rejected" }));
  assert.deepEqual(shares, [
    { path: "name", types: ["string"], share: 1 },
    { path: "price", types: ["number", "string"], share: 0.5 },
  ]);
  assert.equal(sharesOf(rows({ read: "rejected" })), null);
  assert.equal(sharesOf(rows({ again: true })), null, "what comes again is counted when it comes");
  assert.equal(sharesOf(rows({ properties: Array.from({ length: 40 }, (_, at) => `string p${at}`) })), null);
});

test("shapes and touches are taken apart", () => {
  assert.deepEqual(shapeOf("number Items[].unit price"), { path: "Items[].unit price", type: "number" });
  assert.deepEqual(touchOf("cart: did, too late to open a watch"), {
    campaign: "cart",
    part: "did, too late to open a watch",
  });
});

test("the last values of each property: the newest first, each once, and no more than three", () => {
  const values = ['"a"', '"b"', '"a"', '"c"', '"d"'].map((product) => came({ values: { product } }));
  assert.deepEqual([...lastValues(values)], [["product", ['"a"', '"b"', '"c"']]]);
  assert.deepEqual(
    [...lastValues([came(), came({ values: { a: "1", b: "2" } })])],
    [
      ["a", ["1"]],
      ["b", ["2"]],
    ],
  );
});

test("values stay in the tab for ten minutes, by event", () => {
  keepValues([came({ came: 1_000, values: { price: "1" } }), came({ came: 2_000, values: { price: "2" } })]);
  keepValues([came({ came: 3_000, event: "charged", values: { price: "3" } }), came({ came: 3_000 })]);
  assert.deepEqual([...keptValues("Added To Cart", 3_000)], [["price", ["2", "1"]]]);
  assert.deepEqual([...keptValues("added to cart", 1_000 + LONGEST_MS)], [["price", ["2"]]]);
  assert.deepEqual([...keptValues("added to cart", 2_000 + LONGEST_MS)], []);
});
