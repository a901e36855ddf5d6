// Mistakes that the page knows of by itself, beside those that the API finds: about the id, and about gaps.

import type { CampaignRow, Mistake } from "../api.js";
import { words } from "../words.js";
import { isId } from "./slug.js";
import { type Form, namedBy } from "./text.js";

type Known = {
  /** The id under which the campaign is live; null for a new one. */
  live: string | null;
  others: readonly CampaignRow[];
};

export function ownMistakes(form: Form, { live, others }: Known): Mistake[] {
  return [...idMistakes(form, { live, others }), ...gaps(form)];
}

function idMistakes(form: Form, { live, others }: Known): Mistake[] {
  if (live !== null) return form.id === live ? [] : [mistake(["id"], words.editor.idOther(live))];
  if (!isId(form.id)) return [mistake(["id"], words.editor.idBad)];
  const owner = ownerOf(form.id, others);
  return owner ? [mistake(["id"], words.editor.idTaken(owner.name || owner.id))] : [];
}

export const ownerOf = (id: string, others: readonly CampaignRow[]): CampaignRow | null =>
  others.find((each) => each.id === id) ?? null;

/** Each event that does not say its property yet: all of them, and each at its field. */
function gaps(form: Form): Mistake[] {
  return form.constants.flatMap((constant, at) =>
    namedBy(form)
      .filter((event) => !constant.in[event] && !saidOtherwise(constant.in, event))
      .map((event) => mistake(["constant", at, "in", event], words.form.gap(event, constant.name))),
  );
}

/** Event names match without regard to case and blanks. */
const saidOtherwise = (paths: Record<string, string>, event: string): boolean =>
  Object.entries(paths).some(([name, path]) => path && squashed(name) === squashed(event));
const squashed = (name: string): string => name.replace(/[\s_]+/g, "").toLowerCase();

const mistake = (path: Mistake["path"], message: string): Mistake => ({
  path,
  place: path.filter((each) => typeof each === "string").join("."),
  message,
  line: 1,
  column: 1,
  template_line: null,
  template_column: null,
});

/** Both, without what the API says of a gap or an id that the page names better. */
export function allMistakes(own: Mistake[], found: Mistake[]): Mistake[] {
  const gap = new Set(own.filter((each) => each.path[2] === "in").map((each) => each.path[1]));
  const id = own.some((each) => each.path[0] === "id");
  const rest = found.filter(
    ({ path }) => !(id && path[0] === "id") && !(path[0] === "constant" && path.length === 3 && gap.has(path[1] ?? "")),
  );
  return [...own, ...rest];
}

/** A mistake about what was not written yet: a person who has just begun knows. */
export function isBlank(data: unknown, mistake: Mistake): boolean {
  let value: unknown = data;
  for (const step of mistake.path) {
    if (typeof value !== "object" || value === null) return true;
    // One thing where the model has a list.
    value = (value as Record<string | number, unknown>)[step] ?? (step === 0 ? value : undefined);
  }
  return empty(value);
}

const empty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  (typeof value === "object" && Object.values(value).every((each) => each === "" || each === null));

const RULES = new Set([
  "audience",
  "start",
  "end",
  "hours",
  "again_after",
  "per_user",
  "priority",
  "instead_of",
  "control",
]);

/** Whether one field, or a few that stand together, show all that is below a path. */
function holdsAll([first, second, ...more]: (string | number)[]): boolean {
  if (first === "when") return second !== undefined && second !== "where" && more.length === 0;
  if (first === "convert") return second !== undefined;
  return first === "send" && (RULES.has(String(second)) || (second === "variants" && more.length > 0));
}

/** Those at exactly this path; of `when.within` and the like also what is below it. */
export function at<T extends { path: (string | number)[] }>(all: T[], path: (string | number)[]): T[] {
  const under = holdsAll(path);
  return all.filter((each) =>
    under
      ? path.every((step, n) => each.path[n] === step)
      : each.path.length === path.length && path.every((step, n) => each.path[n] === step),
  );
}
