// A made-up user who does what a campaign waits for: enough of a profile and of events for a preview to show something.

import type { Json, JsonObject, Property, Seen } from "../api.js";
import type { Form, Outline } from "../draft/text.js";
import type { Sample, Subject } from "./live.js";

/** What is asked for: `Profile.first_name`, `Event.price`, and `constant 0` for the first constant property. */
export type Need = { key: string; label: string; origin: "profile" | "event" | "constant"; example: string };

const EXAMPLES: Record<string, string> = {
  first_name: "Ann",
  firstname: "Ann",
  name: "Ann",
  last_name: "Lee",
  email: "ann@example.com",
  city: "Paris",
  country: "France",
  price: "89.5",
  total: "120.5",
  amount: "89.5",
  currency: "EUR",
  quantity: "1",
  size: "M",
  product: "white coat",
  language: "en",
  locale: "en-GB",
  phone: "+4915112345678",
};
const BY_TYPE: Record<string, string> = { number: "42", boolean: "true", list: "[]", object: "{}" };

const VARIABLE =
  /\b(Profile|Events?)(?:\[\d{1,4}\])?(?:\.([\p{L}_][\p{L}\p{N}_-]{0,200})|\[["']([^"'\n]{1,200})["']\])/gu;
const FORM =
  /(?<!\w)@([\p{L}\w][\p{L}\w ]{0,80}?)\s{0,9}-\s{0,9}(?:"([^"\n]{1,200})"|'([^'\n]{1,200})'|([\p{L}\w]{1,200}))/gu;

export function needs(form: Form, seen: Seen | null, more: string[] = []): Need[] {
  const found = new Map<string, Need>();
  const add = (origin: "profile" | "event", name: string): void => {
    if (form.constants.some((each) => form.did.some((event) => each.in[event] === name)) && origin === "event") return;
    const key = `${origin === "profile" ? "Profile" : "Event"}.${name}`;
    if (!found.has(key))
      found.set(key, { key, label: key, origin, example: example(name, typeOf(origin, name, form, seen)) });
  };
  const { audience, variants } = form.rules;
  const pairs = [...form.pairs, ...variants.flatMap((variant) => variant.pairs)];
  for (const text of [audience, ...pairs.map((pair) => pair.value), ...more]) {
    for (const [, root, plain, quoted] of text.matchAll(VARIABLE))
      add(root === "Profile" ? "profile" : "event", plain ?? quoted ?? "");
    for (const [, root, double, single, word] of text.matchAll(FORM))
      add(root?.toLowerCase() === "profile" ? "profile" : "event", double ?? single ?? word ?? "");
  }
  // What a filter looks at has to be there for the event to pass it.
  for (const event of form.did)
    for (const { path } of propertiesOf(event, seen))
      if (/^\w+$/.test(path) && named(form.where[event] ?? "", path)) add("event", path);
  const constants = form.constants.map(
    ({ name }, at): Need => ({
      key: `constant ${at}`,
      label: name || "constant",
      origin: "constant",
      example: example(name, "string"),
    }),
  );
  return [
    ...constants,
    ...[...found.values()].sort((a, b) => b.origin.localeCompare(a.origin) || a.key.localeCompare(b.key)),
  ];
}

const named = (expression: string, property: string): boolean => expression.split(/\W+/).includes(property);

export function sampleOf(form: Form, subject: Subject, wanted: Need[]): Sample | null {
  if (subject.kind === "known") return subject.user ? { user: subject.user } : null;
  const value = (need: Need): Json | undefined => parsed(subject.values[need.key] ?? need.example);
  const profile: JsonObject = {};
  const properties: JsonObject = {};
  for (const need of wanted) {
    const given = value(need);
    if (given === undefined || need.origin === "constant") continue;
    (need.origin === "profile" ? profile : properties)[need.key.replace(/^\w+\./, "")] = given;
  }
  const events = (form.any ? form.did.slice(0, 1) : form.did).map((event) => {
    const made: JsonObject = { event, ...structuredClone(properties) };
    form.constants.forEach((constant, at) => {
      const given = value(
        wanted.find((need) => need.key === `constant ${at}`) ?? { key: "", label: "", origin: "constant", example: "" },
      );
      if (given !== undefined && constant.in[event]) place(made, constant.in[event], given);
    });
    return made;
  });
  const [only] = events;
  return only ? { user: "made-up-user", profile, event: events.length === 1 ? only : events } : null;
}

/** Events, one for each that the campaign names, which agree in the constant property. */
export function agreeing(form: Outline): JsonObject[] {
  return [...form.did, ...form.did_not].map((event) => {
    const made: JsonObject = { event };
    form.constants.forEach((constant) => {
      if (constant.in[event]) place(made, constant.in[event], example(constant.name, "string"));
    });
    return made;
  });
}

/** The path of a property as JMESPath has it, and its types. */
const described = ({ path, types }: Property): { path: string; note: string } => ({ path, note: types.join(" or ") });

const squashed = (name: string): string => name.replace(/\s+/g, "").toLowerCase();

export function propertiesOf(event: string, seen: Seen | null): { path: string; note: string }[] {
  return (seen?.events.find((each) => squashed(each.name) === squashed(event))?.properties ?? []).map(described);
}

function typeOf(origin: "profile" | "event", name: string, form: Form, seen: Seen | null): string {
  const known =
    origin === "profile"
      ? (seen?.profile ?? []).map(described)
      : form.did.flatMap((event) => propertiesOf(event, seen));
  return known.find((each) => each.path === name)?.note ?? "string";
}

const example = (name: string, type: string): string =>
  EXAMPLES[name.toLowerCase().replaceAll(" ", "_")] ?? BY_TYPE[type] ?? `some ${name.replaceAll("_", " ")}`;

/** As JSON where it is a number, a truth, a list or an object; else as it stands. Nothing at all is no value. */
function parsed(text: string): Json | undefined {
  if (text.trim() === "") return undefined;
  if (/^(-?\d|true$|false$|\[|\{)/.test(text.trim())) {
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text;
    }
  }
  return text;
}

function place(event: JsonObject, path: string, value: Json): void {
  const steps = [...path.matchAll(/"([^"]+)"|([\p{L}\w$@-]+)|(\[[\d*]*\])/gu)].map(([, quoted, plain, list]) =>
    list ? "[]" : (quoted ?? plain ?? ""),
  );
  let at: JsonObject | Json[] = event;
  steps.forEach((step, number) => {
    const next = steps[number + 1];
    const inner: Json = next === undefined ? value : next === "[]" ? [] : {};
    if (Array.isArray(at)) {
      if (!at.length) at.push(inner);
      at = at[0] as JsonObject;
    } else {
      at[step] ??= inner;
      at = at[step] as JsonObject;
    }
  });
}
