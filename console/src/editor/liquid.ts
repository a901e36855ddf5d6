// Liquid inside of text, and the `@` forms: enough to colour it, and to tell which part of a rendered text came from which
// variable. What is right and what is wrong is for the API to say: it has the real parser.

import { StreamLanguage, type StringStream } from "@codemirror/language";
import { Tag } from "@lezer/highlight";

import type { Origin, Traced, Variable } from "../api.js";

export const tags = {
  brace: Tag.define(), keyword: Tag.define(), filter: Tag.define(), text: Tag.define(), number: Tag.define(), profile: Tag.define(),
  event: Tag.define(), constant: Tag.define(), catalog: Tag.define(), recommendation: Tag.define(), campaign: Tag.define(),
};

type State = { inside: "" | "}}" | "%}"; afterPipe: boolean; tagName: boolean };

const ROOTS: Record<string, keyof typeof tags> = {
  Profile: "profile", Event: "event", Events: "event", ConstantEventProperty: "constant", Catalog: "catalog",
  Recommendations: "recommendation", Campaign: "campaign",
};

export const liquid = StreamLanguage.define<State>({
  name: "liquid",
  startState: () => ({ inside: "", afterPipe: false, tagName: false }),
  copyState: (state) => ({ ...state }),
  tokenTable: tags,
  token: (stream, state) => (state.inside ? inside(stream, state) : outside(stream, state)),
});

function outside(stream: StringStream, state: State): string | null {
  if (stream.match(/^\{\{-?/)) {
    state.inside = "}}";
    return "brace";
  }
  if (stream.match(/^\{%-?/)) {
    state.inside = "%}";
    state.tagName = true;
    return "brace";
  }
  if (stream.match(/^@Profile\b( ?- ?(\w+|"[^"]*"))?/i)) return "profile";
  if (stream.match(/^@ConstantEventProperty\b/)) return "constant";
  if (stream.match(/^@[\w ]+? - (\w+|"[^"]*")/)) return "event";
  stream.next();
  stream.eatWhile(/[^{@]/);
  return null;
}

function inside(stream: StringStream, state: State): string | null {
  if (stream.eatSpace()) return null;
  if (stream.match(state.inside === "}}" ? /^-?\}\}/ : /^-?%\}/)) {
    state.inside = "";
    state.afterPipe = state.tagName = false;
    return "brace";
  }
  if (stream.match(/^"[^"]*"?/) || stream.match(/^'[^']*'?/)) return "text";
  if (stream.match(/^-?\d+(\.\d+)?/)) return "number";
  if (stream.eat("|")) {
    state.afterPipe = true;
    return "brace";
  }
  const word = stream.match(/^[\p{L}_][\p{L}\p{N}_-]*/u);
  if (!word) {
    stream.next();
    return null;
  }
  const name = (word as RegExpMatchArray)[0];
  if (state.tagName || /^(in|and|or|not|contains|true|false|nil|empty|blank)$/.test(name)) {
    state.tagName = false;
    return "keyword";
  }
  if (state.afterPipe) {
    state.afterPipe = false;
    return "filter";
  }
  const root = ROOTS[name];
  if (!root) return null;
  stream.match(/^(\s*(\.\s*[\p{L}_][\p{L}\p{N}_-]*|\[[^\]]*\]))+/u);
  return root;
}

// --- which part of a rendered text is which variable's ---

export type Part = { text: string; variable: Variable | null };

const PIECE = /\{\{-?(.*?)-?\}\}|(?<!\w)@(ConstantEventProperty(?!\w)|Profile\s*-\s*(?:"[^"]+"|\w+)|[\w ]+? - (?:"[^"]+"|\w+))((?: *\| *default *: *(?:"[^"]*"|'[^']*'|[\w.-]+))?)/gsi;

/**
 * The parts of `traced.text`, found by the literal text between the variables of its template. Where the template has tags,
 * or it cannot be told apart, all of it is one part: nothing is coloured by guess.
 */
export function parts(template: string, traced: Traced): Part[] {
  const rendered = traced.text ?? "";
  const whole = [{ text: rendered, variable: null }];
  if (template.includes("{%")) return whole;
  const names: string[] = [];
  const literals: string[] = [];
  let end = 0;
  for (const match of template.matchAll(PIECE)) {
    literals.push(template.slice(end, match.index));
    names.push(nameOf(match[1] ?? match[2] ?? ""));
    end = match.index + match[0].length;
  }
  literals.push(template.slice(end));
  if (!names.length) return whole;
  const pattern = literals.map((literal) => literal.split(/\s+/).map(escaped).join("\\s+")).join("([^]*?)");
  const found = new RegExp(`^${pattern}$`).exec(rendered);
  if (!found) return whole;
  const result: Part[] = [];
  let at = 0;
  names.forEach((name, number) => {
    const value = found[number + 1] ?? "";
    const start = value ? rendered.indexOf(value, Math.max(at, at + literalLength(literals[number] ?? "") - 2)) : at;
    if (value && start >= 0) {
      result.push({ text: rendered.slice(at, start), variable: null });
      result.push({ text: value, variable: traced.variables.find((each) => normal(each.name) === name) ?? null });
      at = start + value.length;
    }
  });
  result.push({ text: rendered.slice(at), variable: null });
  return result.filter((part) => part.text);
}

const literalLength = (literal: string): number => literal.trim().length;
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const normal = (name: string): string => name.replace(/\[["']?([^\]"']*)["']?\]/g, ".$1").replace(/\s+/g, "").toLowerCase();

function nameOf(expression: string): string {
  const form = /^([\w ]+?)\s*-\s*"?([^"]+)"?$/.exec(expression.trim());
  if (form?.[1]) return normal(`${form[1].toLowerCase() === "profile" ? "Profile" : "Event"}.${form[2]}`);
  return normal((expression.split("|")[0] ?? "").trim());
}

export const said: Record<Origin, string> = {
  profile: "user property", event: "event property", constant: "constant property", catalog: "catalog", recommendation: "recommendation",
  campaign: "campaign", default: "default, as there is no value", missing: "missing",
};
