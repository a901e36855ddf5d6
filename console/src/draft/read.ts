// What stands in a file, as texts for the fields of a form: whatever is there, nothing throws.

import type { Json, JsonObject } from "../api.js";

/** `type` is what the value goes out as where that is not text. */
export type Pair = { key: string; value: string; type: string };

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const object = (value: unknown): JsonObject => (isObject(value) ? value : {});
export const text = (value: unknown): string =>
  value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
export const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(text) : value === undefined || value === null || value === "" ? [] : [text(value)];
export const map = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(object(value)).map(([key, each]) => [key, text(each)]));

export const pairsOf = (values: unknown): Pair[] =>
  Object.entries(object(values)).map(([key, value]) => ({ key, ...typed(value) }));

const typed = (value: Json): Omit<Pair, "key"> =>
  isObject(value) && typeof value["value"] === "string"
    ? { value: value["value"], type: text(value["type"]) }
    : { value: text(value), type: "" };
