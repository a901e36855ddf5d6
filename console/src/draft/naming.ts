// A new campaign's id follows its name until somebody writes one.

import { asId, freeSlug } from "./slug.js";
import { EMPTY_ID, read, setText } from "./text.js";

/** The text with another name, and with the id that follows from it if the id was not touched. */
export function named(source: string, name: string, taken: ReadonlySet<string>, isNew: boolean): string {
  const before = read(source).form;
  const next = setText(source, ["name"], name, { optional: true });
  if (!isNew || !before) return next;
  const follows = before.id === EMPTY_ID || before.id === "" || before.id === freeSlug(before.name, taken);
  return follows ? setText(next, ["id"], freeSlug(name, taken)) : next;
}

export const withId = (source: string, id: string): string => setText(source, ["id"], asId(id));
