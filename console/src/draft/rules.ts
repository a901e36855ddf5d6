// What stands between due and sent, and what counts as a conversion: as the form shows it.

import type { Json, JsonObject } from "../api.js";
import { isObject, object, type Pair, pairsOf, text, texts } from "./read.js";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export type Hours = { days: string[]; from: string; to: string; zone: string; otherwise: string };
export type Cap = { at_most: string; in: string };
export type Variant = { name: string; weight: string; pairs: Pair[] };
export type Convert = { on: string[]; within: string; amount: string; currency: string; undone_by: string[] };

/** An empty text is what the file does not say. */
export type Rules = {
  audience: string;
  start: string;
  end: string;
  hours: Hours | null;
  again_after: string;
  caps: Cap[];
  priority: string;
  instead_of: string[];
  control: string;
  variants: Variant[];
};

export function rulesOf(send: JsonObject): Rules {
  return {
    audience: text(send["audience"]),
    start: text(send["start"]),
    end: text(send["end"]),
    hours: isObject(send["hours"]) ? hoursOf(send["hours"]) : null,
    again_after: text(send["again_after"]),
    caps: listed(send["per_user"]).map((each) => ({ at_most: text(each["at_most"]), in: text(each["in"]) })),
    priority: text(send["priority"]),
    instead_of: texts(send["instead_of"]),
    control: text(send["control"]),
    variants: (Array.isArray(send["variants"]) ? send["variants"] : []).map(object).map((each) => ({
      name: text(each["name"]),
      weight: text(each["weight"]),
      pairs: pairsOf(each["values"]),
    })),
  };
}

export function convertOf(data: JsonObject): Convert | null {
  const { convert } = data;
  if (!isObject(convert)) return null;
  return {
    on: texts(convert["on"]),
    within: text(convert["within"]),
    amount: text(convert["amount"]),
    currency: text(convert["currency"]),
    undone_by: texts(convert["undone_by"]),
  };
}

/** The events that a conversion takes its value from, beside those of `when`. */
export const converting = (convert: Convert | null): string[] => [
  ...(convert?.on ?? []),
  ...(convert?.undone_by ?? []),
];

function hoursOf(hours: JsonObject): Hours {
  const said = texts(hours["days"]).map((day) => day.trim().slice(0, 3).toLowerCase());
  return {
    days: hours["days"] === undefined ? [...DAYS] : DAYS.filter((day) => said.includes(day)),
    from: text(hours["from"]),
    to: text(hours["to"]),
    zone: text(hours["zone"]),
    otherwise: text(hours["otherwise"]),
  };
}

const listed = (value: Json | undefined): JsonObject[] =>
  (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]).map(object);
