// Liquid inside of text, and the `@` forms: enough to colour it, and to tell which part of a rendered text came from which
// variable. What is right and what is wrong is for the API to say: it has the real parser.

import { StreamLanguage, type StringStream } from "@codemirror/language";
import { Tag } from "@lezer/highlight";

import type { Traced, Variable } from "../api.js";

export const tags = {
  brace: Tag.define(),
  keyword: Tag.define(),
  filter: Tag.define(),
  text: Tag.define(),
  number: Tag.define(),
  profile: Tag.define(),
  event: Tag.define(),
  constant: Tag.define(),
  catalog: Tag.define(),
  recommendation: Tag.define(),
  campaign: Tag.define(),
};

type State = { inside: "" | "}}" | "%}"; afterPipe: boolean; tagName: boolean };

const ROOTS: Record<string, keyof typeof tags> = {
  Profile: "profile",
  Event: "event",
  Events: "event",
  ConstantEventProperty: "constant",
  Catalog: "catalog",
  Recommendations: "recommendation",
  Campaign: "campaign",
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

/** Longer texts are shown without colours. */
const LONGEST = 20_000;

/**
 * The parts of `traced.text`, found by the literal text between the variables of its template. Where the template has tags,
 * or it cannot be told apart, all of it is one part: nothing is coloured by guess. Takes time in proportion to the text.
 */
export function parts(template: string, traced: Traced): Part[] {
  const rendered = traced.text ?? "";
  const whole = [{ text: rendered, variable: null }];
  if (template.includes("{%") || rendered.length > LONGEST || template.length > LONGEST) return whole;
  const { names, literals } = pieces(template);
  if (!names.length) return whole;
  let at = literalAt(rendered, 0, (literals[0] ?? "").trimStart());
  if (at < 0) return whole;
  const result: Part[] = [{ text: rendered.slice(0, at), variable: null }];
  for (const [number, name] of names.entries()) {
    const variable = traced.variables.find((each) => normal(each.name) === name) ?? null;
    const literal = literals[number + 1] ?? "";
    const last = number === names.length - 1;
    const found = last ? lastOf(rendered, at, literal) : nextOf(rendered, at, literal, variable);
    if (!found) return whole;
    result.push({ text: rendered.slice(at, found.start), variable });
    result.push({ text: rendered.slice(found.start, found.end), variable: null });
    at = found.end;
  }
  return result.filter((part) => part.text);
}

type Found = { start: number; end: number };

/** Where the literal behind a variable stands: behind the variable's own value if that is there, else where it is first. */
function nextOf(rendered: string, at: number, literal: string, variable: Variable | null): Found | null {
  const value = typeof variable?.value === "string" ? variable.value.trim() : variable ? String(variable.value) : "";
  if (value && rendered.startsWith(value, at)) {
    const start = at + value.length;
    const end = literalAt(rendered, start, literal);
    if (end >= 0) return { start, end };
  }
  if (!literal) return null; // two variables side by side, and a filter between: where one ends cannot be told
  for (let start = at; start <= rendered.length; start++) {
    const end = literalAt(rendered, start, literal);
    if (end >= 0) return { start, end };
  }
  return null;
}

/** The literal at the end, where blanks are cut off. */
function lastOf(rendered: string, at: number, literal: string): Found | null {
  const wanted = literal.trimEnd();
  const squeezed = wanted.replace(/\s+/g, " ");
  for (let start = Math.max(at, rendered.length - wanted.length); start <= rendered.length; start++) {
    if (rendered.slice(start).replace(/\s+/g, " ") === squeezed) return { start, end: rendered.length };
  }
  return null;
}

/** Where `literal` ends if it stands at `at`, and -1 if it does not; any blanks equal any other. */
function literalAt(text: string, at: number, literal: string): number {
  let from = at;
  for (let to = 0; to < literal.length; ) {
    if (isBlank(literal[to])) {
      if (!isBlank(text[from]) && from < text.length) return -1;
      while (isBlank(literal[to])) to++;
      while (isBlank(text[from])) from++;
    } else if (text[from++] !== literal[to++]) return -1;
  }
  return from;
}

const isBlank = (letter: string | undefined): boolean => letter !== undefined && letter.trim() === "";

const SIGN =
  /@(?:(ConstantEventProperty)(?!\w)|(Profile\s{0,9}-\s{0,9}(?:"[^"\n]{1,200}"|\w{1,200}))|([\w ]{1,80}? - (?:"[^"\n]{1,200}"|\w{1,200})))(?: {0,9}\| {0,9}default {0,9}: {0,9}(?:"[^"\n]{0,400}"|'[^'\n]{0,400}'|[\w.-]{1,200}))?/iy;

/** The variables of a template, by their names, and the literals before, between and after them. */
function pieces(template: string): { names: string[]; literals: string[] } {
  const names: string[] = [];
  const literals: string[] = [];
  let end = 0;
  let at = 0;
  const take = (name: string, until: number): void => {
    literals.push(template.slice(end, at));
    names.push(nameOf(name));
    end = at = until;
  };
  let closed = true;
  while (at < template.length) {
    const close = closed && template.startsWith("{{", at) ? template.indexOf("}}", at + 2) : -1;
    if (close >= 0)
      take(
        template
          .slice(at + 2, close)
          .replace(/^-/, "")
          .replace(/-$/, ""),
        close + 2,
      );
    else if (template[at] === "{" && template[at + 1] === "{") {
      closed = false;
      at += 2;
    } else if (template[at] === "@" && !/\w/.test(template[at - 1] ?? "")) {
      SIGN.lastIndex = at;
      const match = SIGN.exec(template);
      if (match) take(match[1] ?? match[2] ?? match[3] ?? "", at + match[0].length);
      else at++;
    } else at++;
  }
  literals.push(template.slice(end));
  return { names, literals };
}

const normal = (name: string): string =>
  name
    .replace(/\[["']?([^\]"']*)["']?\]/g, ".$1")
    .replace(/\s+/g, "")
    .toLowerCase();

function nameOf(expression: string): string {
  const plain = expression.trim();
  const dash = plain.indexOf("-");
  const root = plain.slice(0, dash).trim();
  if (dash > 0 && /^[\w ]+$/.test(root) && !plain.includes("|")) {
    const property = plain
      .slice(dash + 1)
      .trim()
      .replace(/^"|"$/g, "");
    return normal(`${root.toLowerCase() === "profile" ? "Profile" : "Event"}.${property}`);
  }
  return normal((plain.split("|")[0] ?? "").trim());
}
