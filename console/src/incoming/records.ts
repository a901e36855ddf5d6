// What came in while somebody looked on, as the page shows it. Nothing of it is kept anywhere else, or after the tab is closed.

import type { Came, Tailed } from "../api.js";

/** Records that are shown; of those before, only the numbers stay. */
export const MOST_SHOWN = 300;
export const LONGEST_MS = 600_000;
/** Between an answer and the next request. */
export const PAUSE_MS = 2_000;
/** Of one record, no more properties are named than this. */
const MOST_SHAPES = 40;

export type Wanted = { user: string; event: string; values: boolean };
export type Row = Came & { number: number };

/** The newest first. `more` came, and are not among `rows`; `reads` counts those that were looked at. */
export type Looked = { rows: Row[]; count: number; more: number; reads: Partial<Record<Came["read"], number>> };

export const NOTHING: Looked = { rows: [], count: 0, more: 0, reads: {} };

export function looked(before: Looked, { records, more }: Tailed): Looked {
  if (!records.length && !more) return before;
  const reads = { ...before.reads };
  for (const { read } of records) reads[read] = (reads[read] ?? 0) + 1;
  const fresh = records.map((record, at) => ({ ...record, number: before.count + at })).reverse();
  const rows = [...fresh, ...before.rows].slice(0, MOST_SHOWN);
  return { rows, count: before.count + records.length, more: before.more + more, reads };
}

/** As the API chooses: a user to the letter, an event without regard to case and spaces. */
export const fits = ({ user, event }: Came, wanted: Omit<Wanted, "values">): boolean =>
  (!wanted.user || user === wanted.user) && (!wanted.event || squashed(event) === squashed(wanted.event));

export const squashed = (name: string): string => name.replace(/\s+/g, "").toLowerCase();

export type Share = { path: string; types: string[]; share: number };

/** Of one property. */
const LAST_VALUES = 3;

/** The last values of each property, the newest first, each once. */
export function lastValues(newestFirst: Came[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { values } of newestFirst)
    for (const [path, value] of Object.entries(values)) {
      const of = found.get(path) ?? [];
      found.set(path, of);
      if (of.length < LAST_VALUES && !of.includes(value)) of.push(value);
    }
  return found;
}

// Values that came in while somebody looked on, for the page of events: in this tab, and for ten minutes.
let kept: Came[] = [];

export function keepValues(records: Came[]): void {
  const more = records.filter(({ values }) => Object.keys(values).length > 0);
  if (more.length) kept = [...more.reverse(), ...kept].slice(0, MOST_SHOWN);
}

export function keptValues(event: string, now: number): Map<string, string[]> {
  kept = kept.filter(({ came }) => now - came < LONGEST_MS);
  return lastValues(kept.filter((record) => fits(record, { event, user: "" })));
}

/**
 * Which share of an event's records bears each property; null where there is none to tell by, or where a record bears more than
 * is named of it.
 */
export function sharesOf(rows: Row[]): Share[] | null {
  const events = rows.filter(({ read, again }) => read === "event" && !again);
  if (!events.length || events.some(({ properties }) => properties.length >= MOST_SHAPES)) return null;
  const found = new Map<string, { types: Set<string>; count: number }>();
  for (const { properties } of events) {
    const seen = new Set<string>();
    for (const { path, type } of properties.map(shapeOf)) {
      const one = found.get(path) ?? { types: new Set(), count: 0 };
      found.set(path, one);
      one.types.add(type);
      if (!seen.has(path)) one.count++;
      seen.add(path);
    }
  }
  return [...found]
    .map(([path, { types, count }]) => ({ path, types: [...types].sort(), share: count / events.length }))
    .sort((a, b) => b.share - a.share || a.path.localeCompare(b.path));
}

/** `number Items[].price`, as the API names a property. */
export function shapeOf(shape: string): { path: string; type: string } {
  const at = shape.indexOf(" ");
  return at < 0 ? { path: shape, type: "" } : { path: shape.slice(at + 1), type: shape.slice(0, at) };
}

/** `cart: did`, as the API says which campaign a record touches, and as what. */
export function touchOf(touch: string): { campaign: string; part: string } {
  const at = touch.indexOf(": ");
  return at < 0 ? { campaign: touch, part: "" } : { campaign: touch.slice(0, at), part: touch.slice(at + 2) };
}
