// A campaign that is being edited. Its YAML text is all there is: the form is a view of it, and an edit in the form is an
// edit of the text, which keeps the comments and the order of whoever wrote it. So page and file cannot come apart.

import { type Document, isMap, isScalar, isSeq, parseDocument, type Scalar, stringify } from "yaml";

import type { Json, JsonObject } from "./api.js";

export type Constant = { name: string; in: Record<string, string> };
export type Pair = { key: string; value: string };

/** The file as the form shows it; whatever it does not understand is left as it is in the text. */
export type Form = {
  id: string; name: string; did: string[]; did_not: string[]; within: string; where: Record<string, string>;
  settle: string; max_age: string; constants: Constant[]; one_per: "value" | "user"; limit: string; detail_type: string; pairs: Pair[];
};

export type Read = { form: Form; data: JsonObject; wrong: null } | { form: null; data: null; wrong: Wrong };
export type Wrong = { message: string; line: number; column: number };

export const NEW_CAMPAIGN = `id: new-campaign
name: New campaign
when:
  did: []
  did_not: []
  within: 30 minutes
constant:
  name: product
  in: {}
send:
  values:
    title: ""
`;

export function read(source: string): Read {
  const document = parse(source);
  const [error] = document.errors;
  if (error) {
    const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 };
    return { form: null, data: null, wrong: { message: error.message.split(" at line")[0] ?? error.message, line, column: col } };
  }
  const data = document.toJS() as Json;
  if (!isObject(data)) {
    return { form: null, data: null, wrong: { message: "a campaign file is made of `key: value` lines", line: 1, column: 1 } };
  }
  return { form: asForm(data), data, wrong: null };
}

const parse = (source: string): Document => parseDocument(source, { prettyErrors: true });

function asForm(data: JsonObject): Form {
  const when = object(data["when"]);
  const send = object(data["send"]);
  const constant = data["constant"];
  return {
    id: text(data["id"]),
    name: text(data["name"]),
    did: texts(when["did"]),
    did_not: texts(when["did_not"]),
    within: text(when["within"]),
    where: map(when["where"]),
    settle: text(when["settle"]),
    max_age: text(when["max_age"]),
    constants: (Array.isArray(constant) ? constant : constant ? [constant] : []).map((each) => ({
      name: text(object(each)["name"]),
      in: map(object(each)["in"]),
    })),
    one_per: send["one_per"] === "user" ? "user" : "value",
    limit: text(send["limit"]),
    detail_type: text(send["detail_type"]),
    pairs: Object.entries(object(send["values"])).map(([key, value]) => ({ key, value: text(value) })),
  };
}

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);
const object = (value: unknown): JsonObject => (isObject(value) ? value : {});
const text = (value: unknown): string => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : value === undefined || value === null || value === "" ? [] : [text(value)]);
const map = (value: unknown): Record<string, string> => Object.fromEntries(Object.entries(object(value)).map(([key, each]) => [key, text(each)]));

// --- edits: text in, text out ---

type Path = (string | number)[];

function edited(source: string, change: (document: Document) => void): string {
  const document = parse(source);
  change(document);
  return document.toString({ lineWidth: 0 });
}

/** A scalar; an empty one that may be left out is. */
export function setText(source: string, path: Path, value: string, { optional = false } = {}): string {
  if (optional && value === "") return edited(source, (document) => document.deleteIn(path));
  return inPlace(source, path, value) ?? edited(source, (document) => put(document, path, value));
}

/** With all else as it is, to the last space, where there is a scalar on one line already; null where there is not. */
function inPlace(source: string, path: Path, value: string): string | null {
  const node = parse(source).getIn(path, true);
  if (!isScalar(node) || !node.range || !ONE_LINE.has(node.type ?? "") || value.includes("\n")) return null;
  const [from, to] = node.range;
  if (from === to || source.slice(from, to).includes("\n")) return null;
  const number = typeof node.value === "number" && /^\d+$/.test(value);
  const written = stringify(number ? Number(value) : value, { lineWidth: 0, defaultStringType: node.type as Scalar.Type }).trimEnd();
  return written.includes("\n") ? null : source.slice(0, from) + written + source.slice(to);
}

const ONE_LINE = new Set(["PLAIN", "QUOTE_DOUBLE", "QUOTE_SINGLE"]);

export const setNames = (source: string, key: "did" | "did_not", names: string[]): string =>
  edited(source, (document) => {
    const before = document.toJS() as JsonObject;
    if (key === "did_not" && names.length === 0) document.deleteIn(["when", key]);
    else put(document, ["when", key], names.length === 1 ? names[0] : names);
    follow(document, asForm(before));
  });

export const setFilter = (source: string, event: string, expression: string): string =>
  edited(source, (document) => {
    if (expression === "") document.deleteIn(["when", "where", event]);
    else put(document, ["when", "where", event], expression);
    dropEmpty(document, ["when", "where"]);
  });

export const setConstants = (source: string, constants: Constant[]): string =>
  edited(source, (document) => {
    if (constants.length === 0) document.delete("constant");
    else if (constants.length === 1) place(document, "constant", constants[0], "send");
    else place(document, "constant", constants, "send");
  });

export const setConstantPath = (source: string, number: number, event: string, path: string): string =>
  setText(source, [...constantAt(source, number), "in", event], path);

export const setConstantName = (source: string, number: number, name: string): string =>
  setText(source, [...constantAt(source, number), "name"], name);

const constantAt = (source: string, number: number): Path => (isSeq(parse(source).get("constant", true)) ? ["constant", number] : ["constant"]);

export const setPairs = (source: string, pairs: Pair[]): string =>
  edited(source, (document) => {
    const known = document.getIn(["send", "values"], true);
    if (!isMap(known)) return put(document, ["send", "values"], Object.fromEntries(pairs.map(({ key, value }) => [key, value])));
    // Pairs that stay keep their nodes, and with them their comments and the way they are quoted.
    const nodes = new Map(known.items.map((item) => [String((item.key as { value?: unknown })?.value ?? item.key), item]));
    known.items = pairs.map(({ key, value }) => {
      const node = nodes.get(key);
      if (node && text((node.value as { value?: unknown } | null)?.value) === value) return node;
      const fresh = document.createPair(key, value);
      if (node) node.value = fresh.value;
      return node ?? fresh;
    });
  });

export const setPairValue = (source: string, key: string, value: string): string =>
  inPlace(source, ["send", "values", key], value) ??
  edited(source, (document) => {
    put(document, ["send", "values", key], value);
    const node = document.getIn(["send", "values", key], true);
    if (isScalar(node) && value.includes("\n")) node.type = "BLOCK_LITERAL";
  });

/** The events that a campaign names are the ones whose constant property and filter it says. */
function follow(document: Document, before: Form): void {
  const after = asForm(document.toJS() as JsonObject);
  const named = new Set([...after.did, ...after.did_not]);
  for (const name of Object.keys(before.where)) if (!named.has(name)) document.deleteIn(["when", "where", name]);
  dropEmpty(document, ["when", "where"]);
  const many = isSeq(document.get("constant", true));
  before.constants.forEach((constant, number) => {
    const at: Path = many ? ["constant", number, "in"] : ["constant", "in"];
    for (const name of Object.keys(constant.in)) if (!named.has(name)) document.deleteIn([...at, name]);
  });
}

function put(document: Document, path: Path, value: unknown): void {
  // An empty `{}` or `[]` was written in flow style, in which what is put into it would stay.
  for (let depth = 1; depth < path.length; depth++) {
    const node = document.getIn(path.slice(0, depth), true);
    if (node === undefined || node === null || !(isMap(node) || isSeq(node))) document.setIn(path.slice(0, depth), document.createNode({}));
    else if (node.items.length === 0) node.flow = false;
  }
  const known = document.getIn(path, true) as { value?: unknown } | undefined;
  if (known && typeof known === "object" && "value" in known && typeof value === "string") known.value = value;
  else document.setIn(path, document.createNode(value));
}

function place(document: Document, key: string, value: unknown, before: string): void {
  const contents = document.contents;
  if (document.has(key) || !isMap(contents)) return document.set(key, document.createNode(value));
  const pair = document.createPair(key, value);
  const at = contents.items.findIndex((item) => String((item.key as { value?: unknown })?.value ?? item.key) === before);
  contents.items.splice(at < 0 ? contents.items.length : at, 0, pair as (typeof contents.items)[number]);
}

function dropEmpty(document: Document, path: Path): void {
  const node = document.getIn(path, true);
  if (isMap(node) && node.items.length === 0) document.deleteIn(path);
}
