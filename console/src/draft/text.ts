// A campaign that is being edited. Its YAML text is all there is: the form is a view of it, and an edit in the form is an
// edit of the text, which keeps the comments, the order and the keys that the form does not know.
//
// Nothing here throws, whatever the text is: a text that cannot be read has no form, and an edit of it changes nothing.

import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair as Node,
  parseDocument,
  type Scalar,
  stringify,
  type YAMLMap,
} from "yaml";

import type { Json, JsonObject } from "../api.js";
import { words } from "../words.js";
import { isObject, map, object, type Pair, pairsOf, text, texts } from "./read.js";
import { type Convert, converting, convertOf, type Rules, rulesOf } from "./rules.js";

export type { Pair } from "./read.js";

export type Constant = { name: string; in: Record<string, string> };
export type Lookup = { catalog: string; column: string; property: string };

/** The file as the form shows it; whatever it does not understand is left as it is in the text. */
export type Form = {
  id: string;
  name: string;
  /** The triggers: all of them, or `any` one of them. */
  did: string[];
  any: boolean;
  did_not: string[];
  grace: string;
  within: string;
  where: Record<string, string>;
  settle: string;
  max_age: string;
  constants: Constant[];
  lookups: Lookup[];
  one_per: "value" | "user";
  limit: string;
  detail_type: string;
  pairs: Pair[];
  rules: Rules;
  convert: Convert | null;
};

/** All but the texts of a message: it stays the same while somebody writes one. */
export type Outline = Omit<Form, "pairs">;

export function outlineOf({ pairs: _, ...outline }: Form): Outline {
  return outline;
}

/** The events that a file names, in the order of their parts. */
export const namedBy = ({ did, did_not, convert }: Outline): string[] => [
  ...new Set([...did, ...did_not, ...converting(convert)]),
];

export type Read = { form: Form; data: JsonObject; wrong: null } | { form: null; data: null; wrong: Wrong };
export type Wrong = { message: string; line: number; column: number };

/** The same bounds as the parser of the API and of the command line. */
export const MOST_CHARACTERS = 200_000;
export const MOST_ALIASES = 100;
export const DEEPEST = 50;

export const EMPTY_ID = "new-campaign";

export const NEW_CAMPAIGN = `id: ${EMPTY_ID}
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
  const parsed = looked(source);
  if ("wrong" in parsed) return refused(parsed.wrong);
  return { form: asForm(parsed.data), data: parsed.data, wrong: null };
}

const refused = (wrong: Wrong): Read => ({ form: null, data: null, wrong });

type Parsed = { document: Document; data: JsonObject } | { wrong: Wrong };

/** Parsed, to be looked at and not to be changed: with each key the same text is asked for several times. */
function looked(source: string): Parsed {
  const known = parsedLast.find((each) => each.source === source);
  if (known) return known.parsed;
  const parsed = parse(source);
  parsedLast = [{ source, parsed }, ...parsedLast].slice(0, 3);
  return parsed;
}

let parsedLast: { source: string; parsed: Parsed }[] = [];

function parse(source: string): Parsed {
  const deep = tooDeep(source);
  if (source.length > MOST_CHARACTERS)
    return { wrong: { message: words.yaml.tooLong(MOST_CHARACTERS), line: 1, column: 1 } };
  if (deep) return { wrong: { message: words.yaml.tooDeep(DEEPEST), line: deep, column: 1 } };
  try {
    const document = parseDocument(source, { prettyErrors: true, logLevel: "error" });
    const [error] = document.errors;
    if (error) {
      const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 };
      const said = words.yaml.codes[error.code] ?? error.message.split(" at line")[0] ?? error.message;
      return { wrong: { message: said, line, column: col } };
    }
    const data = document.toJS({ maxAliasCount: MOST_ALIASES }) as Json;
    if (!isObject(data)) return { wrong: { message: words.yaml.noMap, line: 1, column: 1 } };
    return { document, data };
  } catch (error) {
    return { wrong: { ...aliasPlace(source), message: alias(error) } };
  }
}

/** The line on which brackets or block marks nest deeper than a parser should follow; 0 where none does. */
function tooDeep(source: string): number {
  let depth = 0;
  let line = 1;
  for (const letter of source) {
    if (letter === "\n") line++;
    else if (letter === "[" || letter === "{") depth++;
    else if ((letter === "]" || letter === "}") && depth > 0) depth--;
    if (depth > BRACKETS) return line;
  }
  return source.split("\n").findIndex((each) => MARKS.test(each)) + 1;
}

/** Brackets in texts count as well, and need not be closed there. */
const BRACKETS = 4 * DEEPEST;
const MARKS = new RegExp(`^ *(?:[-?][ \\t]+){${DEEPEST + 1}}`);

function alias(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const name = /anchor.*: ?(\S+)$/.exec(message)?.[1];
  if (name) return words.yaml.noAnchor(name);
  return message.includes("alias count") ? words.yaml.aliases(MOST_ALIASES) : words.yaml.unreadable;
}

function aliasPlace(source: string): { line: number; column: number } {
  const lines = source.split("\n");
  const at = lines.findIndex((line) => /(^|[\s:,[{-])\*\S/.test(line.slice(0, 1000)));
  return { line: at < 0 ? 1 : at + 1, column: at < 0 ? 1 : (lines[at] ?? "").indexOf("*") + 1 };
}

function asForm(data: JsonObject): Form {
  const when = object(data["when"]);
  const send = object(data["send"]);
  const constant = data["constant"];
  return {
    id: text(data["id"]),
    name: text(data["name"]),
    did: texts(when[anyOf(when) ? "did_any" : "did"]),
    any: anyOf(when),
    grace: text(when["grace"]),
    did_not: texts(when["did_not"]),
    within: text(when["within"]),
    where: map(when["where"]),
    settle: text(when["settle"]),
    max_age: text(when["max_age"]),
    constants: (Array.isArray(constant) ? constant : constant ? [constant] : []).map((each) => ({
      name: text(object(each)["name"]),
      in: map(object(each)["in"]),
    })),
    lookups: Object.entries(object(data["catalogs"])).flatMap(([catalog, columns]) =>
      Object.entries(object(columns)).map(([column, property]) => ({ catalog, column, property: text(property) })),
    ),
    one_per: send["one_per"] === "user" ? "user" : "value",
    limit: text(send["limit"]),
    detail_type: text(send["detail_type"]),
    pairs: pairsOf(send["values"]),
    rules: rulesOf(send),
    convert: convertOf(data),
  };
}

const anyOf = (when: JsonObject): boolean => "did_any" in when && !texts(when["did"]).length;

// --- edits: text in, text out ---

type Path = (string | number)[];

/** The text after a change; the text as it is where it cannot be read, or where the change would leave nothing readable. */
function edited(source: string, change: (document: Document, data: JsonObject) => void): string {
  const parsed = parse(source);
  if ("wrong" in parsed) return source;
  try {
    change(parsed.document, parsed.data);
    const after = parsed.document.toString({ lineWidth: 0, flowCollectionPadding: false });
    return "wrong" in looked(after) ? source : after;
  } catch {
    return source;
  }
}

/** A scalar; an empty one that may be left out is. */
export function setText(source: string, path: Path, value: string, { optional = false } = {}): string {
  if (optional && value === "") return edited(source, (document) => drop(document, path));
  return inPlace(source, path, value) ?? edited(source, (document) => put(document, path, value));
}

/** With all else as it is, to the last space, where there is a scalar on one line already; null where there is not. */
function inPlace(source: string, path: Path, value: string): string | null {
  const parsed = looked(source);
  if ("wrong" in parsed || value.includes("\n")) return null;
  const node = at(parsed.document, path);
  if (!isScalar(node) || !node.range || !ONE_LINE.has(node.type ?? "") || node.anchor || node.tag) return null;
  const [from, to] = node.range;
  if (from === to || source.slice(from, to).includes("\n")) return null;
  const number = typeof node.value === "number" && /^\d{1,15}$/.test(value);
  const options = { lineWidth: 0, defaultStringType: node.type as Scalar.Type } as const;
  const written = stringify(number ? Number(value) : value, options).trimEnd();
  if (written.includes("\n")) return null;
  const after = source.slice(0, from) + written + source.slice(to);
  const again = looked(after);
  // In a flow collection a plain text may come to an end sooner than it did by itself.
  return !("wrong" in again) && text(valueAt(again.data, path)) === value ? after : null;
}

const ONE_LINE = new Set(["PLAIN", "QUOTE_DOUBLE", "QUOTE_SINGLE"]);

export const setNames = (source: string, of: "did" | "did_not", names: string[]): string =>
  edited(source, (document, before) => {
    const key = of === "did" && asForm(before).any ? "did_any" : of;
    if (key === "did_not" && names.length === 0) drop(document, ["when", key]);
    else put(document, ["when", key], names.length === 1 ? names[0] : names);
    follow(document, asForm(before));
  });

/** Whether all of the triggers are needed, or any one will do. */
export const setAny = (source: string, any: boolean): string =>
  edited(source, (document) => {
    const when = at(document, ["when"]);
    const item = isMap(when) ? when.items.find((each) => keyOf(each) === (any ? "did" : "did_any")) : undefined;
    if (item) item.key = document.createNode(any ? "did_any" : "did");
  });

export const setFilter = (source: string, event: string, expression: string): string =>
  edited(source, (document) => {
    if (expression === "") drop(document, ["when", "where", event]);
    else put(document, ["when", "where", event], expression);
    dropEmpty(document, ["when", "where"]);
  });

export const addConstant = (source: string, constant: Constant): string =>
  edited(source, (document, data) => {
    const known = document.get("constant", true);
    if (isSeq(known)) known.add(document.createNode(constant));
    else if (known && data["constant"]) document.set("constant", document.createNode([data["constant"], constant]));
    else place(document, "constant", constant, "send");
  });

export const removeConstant = (source: string, number: number): string =>
  edited(source, (document) => {
    const known = document.get("constant", true);
    if (isSeq(known) && known.items.length > 1) known.delete(number);
    else document.delete("constant");
  });

export const setConstantPath = (source: string, number: number, event: string, path: string): string =>
  setText(source, [...constantAt(source, number), "in", event], path);

export const setConstantName = (source: string, number: number, name: string): string =>
  setText(source, [...constantAt(source, number), "name"], name);

function constantAt(source: string, number: number): Path {
  const parsed = looked(source);
  return "document" in parsed && isSeq(parsed.document.get("constant", true)) ? ["constant", number] : ["constant"];
}

/** Which row of a catalog is looked up: the one whose column equals the property of the event. */
export const setLookup = (source: string, { catalog, column, property }: Lookup): string =>
  edited(source, (document) => {
    if (!document.has("catalogs")) place(document, "catalogs", { [catalog]: { [column]: property } }, "send");
    else put(document, ["catalogs", catalog, column], property);
  });

export const removeLookup = (source: string, { catalog, column }: Lookup): string =>
  edited(source, (document) => {
    drop(document, ["catalogs", catalog, column]);
    dropEmpty(document, ["catalogs", catalog]);
    dropEmpty(document, ["catalogs"]);
  });

// --- what may be left out: rules, and what counts as a conversion ---

/** A scalar that may be left out; with the last of its map the map goes, too. */
export function setRule(source: string, path: Path, value: string, { number = false } = {}): string {
  if (value === "") return leftOut(source, path);
  const said = number && /^-?\d{1,9}(\.\d{1,6})?$/.test(value) ? Number(value) : value;
  return inPlace(source, path, value) ?? edited(source, (document) => put(document, path, said));
}

/** One name, or a list of them in one line; without any it is left out. */
export function setList(source: string, path: Path, names: string[]): string {
  if (names.length === 0) return leftOut(source, path);
  return edited(source, (document) => {
    put(document, path, names.length === 1 ? names[0] : names);
    const node = at(document, path);
    if (isSeq(node)) node.flow = true;
  });
}

/** A map or a list as a whole; null leaves it out. */
export const setWhole = (source: string, path: Path, value: Json): string =>
  value === null ? leftOut(source, path) : edited(source, (document) => put(document, path, value));

/** One more of what is a list, or one thing where a list may stand. */
export const addTo = (source: string, path: Path, value: Json): string =>
  edited(source, (document, data) => {
    const known = at(document, path);
    const before = valueAt(data, path);
    if (isSeq(known)) known.add(document.createNode(value));
    else put(document, path, before === undefined || before === null ? [value] : [before, value]);
  });

export const removeFrom = (source: string, path: Path, number: number): string =>
  edited(source, (document) => {
    own(document, path);
    const known = at(document, path);
    if (isSeq(known) && known.items.length > 1) known.delete(number);
    else drop(document, path);
  });

/** Where one of a list stands: the one thing that stands in its place is all of it. */
export function itemAt(source: string, path: Path, number: number): Path {
  const parsed = looked(source);
  return "document" in parsed && isSeq(at(parsed.document, path)) ? [...path, number] : path;
}

/** Events of a conversion bring and take with them where they have the value, as those of `when` do. */
export const setConverting = (source: string, of: "on" | "undone_by", names: string[]): string =>
  edited(source, (document, before) => {
    if (names.length) put(document, ["convert", of], names.length === 1 ? names[0] : names);
    else drop(document, ["convert", of]);
    const node = at(document, ["convert", of]);
    if (isSeq(node)) node.flow = true;
    follow(document, asForm(before));
  });

/** With the properties of its events. */
export const removeConvert = (source: string): string =>
  edited(source, (document, before) => {
    drop(document, ["convert"]);
    follow(document, asForm(before));
  });

/** Also when they are empty. */
const SAY_SOMETHING = new Set<string | number>(["send", "convert"]);

const leftOut = (source: string, path: Path): string =>
  edited(source, (document) => {
    drop(document, path);
    for (let depth = path.length - 1; depth > 0; depth--) {
      if (!SAY_SOMETHING.has(path[depth - 1] ?? "")) dropEmpty(document, path.slice(0, depth));
    }
  });

/** The text of one key of a variant. */
export const setVariantValue = (source: string, number: number, key: string, value: string): string => {
  const path = valuePath(source, ["send", "variants", number, "values", key]);
  return inPlace(source, path, value) ?? withLines(source, path, value);
};

export const removeVariantValue = (source: string, number: number, key: string): string =>
  edited(source, (document) => drop(document, ["send", "variants", number, "values", key]));

// --- the pairs of a message, each by its place ---

export const addPair = (source: string, key: string, value: string): string =>
  edited(source, (document) => put(document, ["send", "values", key], value));

export const renamePair = (source: string, number: number, key: string): string =>
  pairs(source, (values, document) => {
    const node = values.items[number];
    if (node) node.key = isScalar(node.key) ? Object.assign(node.key, { value: key }) : document.createNode(key);
  });

export const movePair = (source: string, from: number, to: number): string =>
  pairs(source, (values) => {
    const [moved] = values.items.splice(from, 1);
    if (moved) values.items.splice(to, 0, moved);
  });

export const removePair = (source: string, number: number): string =>
  pairs(source, (values) => void values.items.splice(number, 1));

function pairs(source: string, change: (values: YAMLMap, document: Document) => void): string {
  return edited(source, (document) => {
    const values = at(document, ["send", "values"]);
    if (isMap(values)) change(values, document);
  });
}

export function setPairValue(source: string, key: string, value: string): string {
  const path = pairAt(source, key);
  return inPlace(source, path, value) ?? withLines(source, path, value);
}

/** What a pair says, to be said in another place, too: with its type, if it has one. */
export function saidOf(source: string, key: string): Json {
  const pair = read(source).form?.pairs.find((each) => each.key === key);
  return pair?.type ? { value: pair.value, type: pair.type } : (pair?.value ?? "");
}

const pairAt = (source: string, key: string): Path => valuePath(source, ["send", "values", key]);

/** Where the template of a pair stands: one with a type is a map. */
function valuePath(source: string, path: Path): Path {
  const parsed = looked(source);
  const value = "document" in parsed ? valueAt(parsed.data, path) : undefined;
  return isObject(value) && typeof value["value"] === "string" ? [...path, "value"] : path;
}

const withLines = (source: string, path: Path, value: string): string =>
  edited(source, (document) => {
    put(document, path, value);
    const node = at(document, path);
    if (isScalar(node) && value.includes("\n")) node.type = "BLOCK_LITERAL";
  });

/** The events that a campaign names are the ones whose property and filter it says. */
function follow(document: Document, before: Form): void {
  const after = asForm(object(document.toJS({ maxAliasCount: MOST_ALIASES })));
  const named = new Set(namedBy(after));
  const gone = namedBy(before).filter((name) => !named.has(name));
  for (const name of gone) drop(document, ["when", "where", name]);
  dropEmpty(document, ["when", "where"]);
  const many = isSeq(document.get("constant", true));
  before.constants.forEach((_, number) => {
    const start: Path = many ? ["constant", number, "in"] : ["constant", "in"];
    for (const name of gone) drop(document, [...start, name]);
  });
}

// --- the tree ---

/** The path in the words of the tree: a key that is a number in YAML is found by its text, too. */
function reached(document: Document, path: Path): unknown[] {
  let node: unknown = document.contents;
  return path.map((step) => {
    const item: Node | undefined = isMap(node) ? node.items.find((each) => keyOf(each) === String(step)) : undefined;
    const key = item ? (isScalar(item.key) ? item.key.value : item.key) : step;
    node = item ? item.value : isSeq(node) && typeof step === "number" ? node.items[step] : undefined;
    return key;
  });
}

const keyOf = (item: Node): string => String(isScalar(item.key) ? item.key.value : item.key);

function at(document: Document, path: Path): unknown {
  let node: unknown = document.contents;
  for (const step of path) {
    if (isMap(node)) node = node.items.find((each) => keyOf(each) === String(step))?.value;
    else if (isSeq(node) && typeof step === "number") node = node.items[step];
    else return undefined;
  }
  return node;
}

function valueAt(data: Json, path: Path): Json | undefined {
  let value: Json | undefined = data;
  for (const step of path) {
    if (Array.isArray(value)) value = value[Number(step)];
    else if (isObject(value)) value = value[String(step)];
    else return undefined;
  }
  return value;
}

function put(document: Document, path: Path, value: unknown): void {
  own(document, path);
  // An empty `{}` or `[]` was written in flow style, in which what is put into it would stay.
  for (let depth = 1; depth < path.length; depth++) {
    const node = at(document, path.slice(0, depth));
    if (!isCollection(node)) document.setIn(reached(document, path.slice(0, depth)), document.createNode({}));
    else if (node.items.length === 0) node.flow = false;
  }
  const known = at(document, path);
  if (isScalar(known) && (typeof value === "string" || typeof value === "number") && !known.anchor) {
    known.value = value;
    if (known.tag) delete known.tag;
    if (known.type === "PLAIN") delete known.type;
  } else document.setIn(reached(document, path), document.createNode(value));
}

/** What is written through an alias would change what it is an alias of: it becomes a copy of its own. */
function own(document: Document, path: Path): void {
  for (let depth = 1; depth <= path.length; depth++) {
    const node = at(document, path.slice(0, depth));
    if (!isAlias(node)) continue;
    const copy = node.resolve(document)?.clone();
    if (isCollection(copy) || isScalar(copy)) delete copy.anchor;
    document.setIn(reached(document, path.slice(0, depth)), copy ?? null);
  }
}

function drop(document: Document, path: Path): void {
  own(document, path.slice(0, -1));
  if (at(document, path) !== undefined || hasKey(document, path)) document.deleteIn(reached(document, path));
}

function hasKey(document: Document, path: Path): boolean {
  const parent = at(document, path.slice(0, -1));
  return isMap(parent) && parent.items.some((each) => keyOf(each) === String(path.at(-1)));
}

function place(document: Document, key: string, value: unknown, before: string): void {
  const { contents } = document;
  if (document.has(key) || !isMap(contents)) {
    document.set(key, document.createNode(value));
    return;
  }
  const pair = document.createPair(key, value);
  const there = contents.items.findIndex((item) => isPair(item) && keyOf(item) === before);
  contents.items.splice(there < 0 ? contents.items.length : there, 0, pair as (typeof contents.items)[number]);
}

function dropEmpty(document: Document, path: Path): void {
  const node = at(document, path);
  if (isMap(node) && node.items.length === 0) drop(document, path);
}

/** Line and column of the innermost part of a path that the text has. */
export function placeIn(source: string, path: Path): { line: number; column: number } {
  const parsed = looked(source);
  let offset = 0;
  let node: unknown = "document" in parsed ? parsed.document.contents : null;
  for (const step of path) {
    if (isMap(node)) {
      const item = node.items.find((each) => keyOf(each) === String(step));
      if (!item && step === 0) continue; // one thing where the model has a list
      if (!item) break;
      offset = (isScalar(item.key) ? item.key.range?.[0] : undefined) ?? offset;
      node = item.value;
    } else if (isSeq(node)) node = node.items[Number(step)];
    else break;
  }
  const before = source.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
