// CodeMirror, as this page uses it. It lives in a shadow root: there it puts its styles into constructable stylesheets, so
// that the page's Content-Security-Policy allows no inline style and needs no nonce, which a static page could not have.

import {
  acceptCompletion,
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  closeCompletion,
  completionKeymap,
  completionStatus,
  pickedCompletion,
  startCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap } from "@codemirror/commands";
import { StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { yaml } from "@codemirror/legacy-modes/mode/yaml";
import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, type KeyBinding, keymap, lineNumbers, placeholder, type ViewUpdate } from "@codemirror/view";
import { tags as standard, tagHighlighter } from "@lezer/highlight";

import type { Suggestion, SuggestionGroup } from "../api.js";
import { liquid, tags } from "./liquid.js";

export type Problem = { message: string; line: number; column: number };

export type Editor = {
  view: EditorView;
  setText: (text: string) => void;
  setProblems: (problems: Problem[]) => void;
  setReadOnly: (readOnly: boolean) => void;
  showLine: (line: number) => void;
  destroy: () => void;
};

type Common = {
  host: HTMLElement;
  text: string;
  label: string;
  readOnly: boolean;
  changed: (text: string) => void;
  /** The history is the page's: one for all fields of a campaign. */
  undo: () => void;
  redo: () => void;
};
export type Inserted = { suggestion: Suggestion; origin: string; at: number };

/** `inserted` is told what was chosen from the menu, and where a default for it would be written. */
export type ValueOptions = Common & {
  placeholder: string;
  suggestions: () => SuggestionGroup[];
  inserted: (what: Inserted) => void;
};
export type ValueEditor = Editor & {
  openMenu: (only?: string) => void;
  /** There are other suggestions now: a menu that was asked for and could show nothing opens. */
  suggested: () => void;
  writeDefault: (at: number, text: string | null) => void;
};

const highlighter = tagHighlighter([
  ...Object.entries(tags).map(([name, tag]) => ({ tag, class: `tok-${name}` })),
  { tag: [standard.propertyName, standard.definition(standard.propertyName), standard.atom], class: "tok-key" },
  { tag: standard.string, class: "tok-text" },
  { tag: standard.number, class: "tok-number" },
  { tag: standard.comment, class: "tok-comment" },
  { tag: [standard.keyword, standard.meta], class: "tok-keyword" },
]);

const origins = ["profile", "event", "constant", "catalog", "recommendation", "campaign"];

const theme = EditorView.theme({
  "&": { color: "var(--ink)", fontSize: "var(--text-m)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--mono)",
    fontVariantLigatures: "none",
    lineHeight: "1.6",
    fontSize: "var(--text-s)",
  },
  ".cm-content": { padding: "0.36rem 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 0.625rem" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "1.5px" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-placeholder": { color: "var(--ink-3)", fontFamily: "var(--font)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--ink-3)", border: "0", paddingLeft: "0.4rem" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad) 1.2px",
    textUnderlineOffset: "4px",
    textDecorationSkipInk: "none",
  },
  ".cm-lintPoint::after": { borderBottomColor: "var(--bad)" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--ink)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-m)",
    boxShadow: "var(--shadow-l)",
    overflow: "hidden",
  },
  ".cm-diagnostic": {
    fontFamily: "var(--font)",
    fontSize: "var(--text-s)",
    borderLeft: "3px solid var(--bad)",
    padding: "0.4rem 0.7rem",
    maxWidth: "26rem",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--font)",
    fontSize: "var(--text-s)",
    maxHeight: "19rem",
    minWidth: "19rem",
    maxWidth: "min(28rem, 90vw)",
    padding: "4px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": {
    padding: "0.3rem 0.55rem",
    borderRadius: "var(--radius-s)",
    display: "flex",
    alignItems: "center",
    gap: "0.5rem",
    lineHeight: "1.45",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--ink)",
  },
  "@media (forced-colors: active)": {
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
      forcedColorAdjust: "none",
      backgroundColor: "Highlight",
      color: "HighlightText",
    },
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > completion-section": {
    display: "list-item",
    border: "0",
    padding: "0.5rem 0.55rem 0.2rem",
    color: "var(--ink-3)",
    fontSize: "var(--text-xs)",
    fontWeight: "600",
    opacity: "1",
    lineHeight: "1.4",
  },
  ".cm-completionDetail": {
    marginLeft: "auto",
    color: "var(--ink-3)",
    fontStyle: "normal",
    fontSize: "var(--text-xs)",
    paddingLeft: "1rem",
  },
  ".cm-completionIcon": {
    width: "8px",
    height: "8px",
    borderRadius: "50%",
    padding: "0",
    opacity: "1",
    flex: "none",
    backgroundColor: "var(--ink-3)",
  },
  ".cm-completionIcon::after": { content: "''" },
  ...Object.fromEntries(
    origins.map((origin) => [`.cm-completionIcon-${origin}`, { backgroundColor: `var(--of-${origin})` }]),
  ),
  ...Object.fromEntries(
    origins.map((origin) => [`.tok-${origin}`, { color: `var(--of-${origin})`, fontWeight: "500" }]),
  ),
  ".tok-brace": { color: "var(--ink-3)" },
  ".tok-filter": { color: "var(--ink-2)" },
  ".tok-keyword": { color: "var(--of-recommendation)" },
  ".tok-text": { color: "var(--good)" },
  ".tok-number": { color: "var(--of-constant)" },
  ".tok-key": { color: "var(--of-profile)" },
  ".tok-comment": { color: "var(--ink-3)" },
});

function create({ host, text, label, readOnly, changed, undo, redo }: Common, ...extensions: Extension[]): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open", delegatesFocus: true });
  const editable = new Compartment();
  let silent = false;
  let told = text;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        theme,
        syntaxHighlighting(highlighter),
        EditorView.lineWrapping,
        EditorView.perLineTextDirection.of(true),
        EditorView.contentAttributes.of({
          dir: "auto",
          "aria-label": label,
          spellcheck: "false",
          autocapitalize: "off",
          autocorrect: "off",
        }),
        editable.of(locked(readOnly)),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged || silent) return;
          told = update.state.doc.toString();
          changed(told);
        }),
        ...extensions,
        EditorView.domEventHandlers({ beforeinput: replaceSelected }),
        keymap.of([...historyKeys(undo, redo), ...completionKeymap, ...defaultKeymap]),
      ],
    }),
  });
  return {
    view,
    setText: (next) => {
      const now = view.state.doc.toString();
      if (next === now || next === told) return; // what comes back is what was typed here, and perhaps typed on since
      silent = true;
      told = next;
      view.dispatch({ changes: smallest(now, next) });
      silent = false;
    },
    setProblems: (problems) =>
      view.dispatch(
        setDiagnostics(
          view.state,
          problems.map((problem) => underline(view.state, problem)),
        ),
      ),
    setReadOnly: (next) => view.dispatch({ effects: editable.reconfigure(locked(next)) }),
    showLine: (line) => {
      const { from } = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
      view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

const done = (act: () => void) => (): boolean => {
  act();
  return true;
};

const historyKeys = (undo: () => void, redo: () => void): KeyBinding[] => [
  { key: "Mod-z", run: done(undo), preventDefault: true },
  { key: "Mod-y", run: done(redo), preventDefault: true },
  { key: "Mod-Shift-z", run: done(redo), preventDefault: true },
];

/** What differs, so that the caret stays where it is in what does not. */
export function smallest(before: string, after: string): { from: number; to: number; insert: string } {
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before[from] === after[from]) from++;
  let end = 0;
  while (end < most - from && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  return { from, to: before.length - end, insert: after.slice(from, after.length - end) };
}

/** Left to itself, Chromium would keep the style of what is typed over, as an inline style that the page's policy forbids. */
function replaceSelected(event: InputEvent, view: EditorView): boolean {
  if (
    event.inputType !== "insertText" ||
    !event.data ||
    view.state.selection.main.empty ||
    view.state.readOnly ||
    view.composing
  )
    return false;
  view.dispatch(
    view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true }),
  );
  event.preventDefault();
  return true;
}

const locked = (readOnly: boolean): Extension => [EditorState.readOnly.of(readOnly), EditorView.editable.of(!readOnly)];

function underline(state: EditorState, { message, line, column }: Problem): Diagnostic {
  const at = state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
  const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
  // From where it is to the end of the word, or of the markup that begins there.
  const rest = at.text.slice(from - at.from);
  const length = /^(\{\{.*?(\}\}|$)|\{%.*?(%\}|$)|[\p{L}\p{N}_@-]+|\S+)/u.exec(rest)?.[0].length ?? 0;
  if (length) return { from, to: from + length, severity: "error", message };
  return { from: Math.max(at.from, from - 1), to: Math.max(from, at.from), severity: "error", message };
}

export function yamlEditor(options: Common): Editor {
  return create(options, StreamLanguage.define(yaml), lineNumbers());
}

// --- a template, with its menu ---

const ORIGINS: Record<string, string> = {
  Profile: "profile",
  Event: "event",
  Events: "event",
  ConstantEventProperty: "constant",
  Catalog: "catalog",
  Recommendations: "recommendation",
  Campaign: "campaign",
};
const originOf = (insert: string): string => ORIGINS[/^\w+/.exec(insert)?.[0] ?? ""] ?? "campaign";

/** How a menu was asked for: between braces, by an `@` that was typed, or by a button, which types nothing. */
type Way = "braces" | "sign" | "button";
/** What of a line is looked at to know that: names are not longer. */
const NEAR = 200;

/** Where a name begins that is being written before `pos`, and how it is written. */
function named(state: EditorState, pos: number): { from: number; way: Way } | null {
  const line = state.doc.lineAt(pos);
  const before = line.text.slice(Math.max(0, pos - line.from - NEAR), pos - line.from);
  const braces = /\{\{-?\s?([\p{L}\w.[\]"' ]*)$/u.exec(before)?.[1];
  if (braces !== undefined && !braces.includes("|")) return { from: pos - braces.length, way: "braces" };
  const sign = /(?:^|[^\w])@([\p{L}\w. -]{0,40})$/u.exec(before)?.[1];
  return sign === undefined ? null : { from: pos - sign.length, way: "sign" };
}

export function valueEditor(options: ValueOptions): ValueEditor {
  let only = "";
  /** Who asked for a menu, and has done nothing else since: one that opens now is no surprise. */
  let asked: "nobody" | "typist" | "button" = "nobody";
  const completions = ({ state, pos, explicit }: CompletionContext): CompletionResult | null => {
    const place = named(state, pos);
    if (place) return menu(place.from, place.way);
    return explicit ? menu(pos, "button") : null;
  };
  const menu = (from: number, way: Way): CompletionResult => {
    const groups = options.suggestions();
    return {
      from,
      validFor: (text) => groups === options.suggestions() && /^[\p{L}\w.[\]"' -]*$/u.test(text),
      options: groups.flatMap((group, rank) =>
        group.items
          .filter((item) => !only || originOf(item.insert) === only)
          .map(
            (item): Completion => ({
              label: `${item.label} ${item.insert}`,
              displayLabel: item.label,
              ...(item.note ? { detail: item.note } : {}),
              type: originOf(item.insert),
              section: { name: group.group, rank },
              apply: (view, completion, start, end) =>
                insert(view, completion, way === "sign" ? start - 1 : start, end, way, item),
            }),
          ),
      ),
    };
  };
  const insert = (
    view: EditorView,
    completion: Completion,
    from: number,
    to: number,
    way: Way,
    item: Suggestion,
  ): void => {
    const after = view.state.doc.sliceString(to, to + 8);
    const markup = /^\s*[{]/.test(item.insert);
    const tight = view.state.doc.sliceString(from - 1, from) === "{" ? " " : "";
    const opening = markup ? "" : way === "braces" ? tight : "{{ ";
    const closing = markup || (way === "braces" && /^[^{]*\}\}/.test(after)) ? "" : " }}";
    const text = opening + item.insert + closing;
    const start = way === "braces" && markup ? view.state.doc.sliceString(0, from).lastIndexOf("{{") : from;
    view.dispatch({
      changes: { from: start, to, insert: text },
      selection: { anchor: start + text.length },
      annotations: pickedCompletion.of(completion),
    });
    const origin = originOf(item.insert);
    only = "";
    if (!markup && origin !== "constant" && origin !== "campaign") {
      options.inserted({ suggestion: item, origin, at: start + opening.length + item.insert.length });
    }
  };
  const editor = create(
    options,
    liquid,
    placeholder(options.placeholder),
    autocompletion({
      override: [completions],
      icons: true,
      activateOnTypingDelay: 0,
      interactionDelay: 0,
      maxRenderedOptions: 200,
    }),
    keymap.of([{ key: "Tab", run: acceptCompletion }]),
    EditorView.updateListener.of(reachable),
    EditorView.updateListener.of(({ docChanged, selectionSet, transactions }) => {
      if (!docChanged && !selectionSet) return;
      asked = transactions.some((each) => each.isUserEvent("input.type")) ? "typist" : "nobody";
    }),
    EditorView.domEventObservers({
      keydown: ({ key }) => {
        if (key === "Escape") asked = "nobody";
      },
      blur: () => {
        only = "";
        asked = "nobody";
      },
    }),
  );
  const { view } = editor;
  return {
    ...editor,
    openMenu: (wanted = "") => {
      closeCompletion(view);
      view.focus();
      only = wanted;
      asked = "button";
      startCompletion(view);
    },
    suggested: () => {
      if (!view.hasFocus || completionStatus(view.state) !== null) return;
      const typed = asked === "typist" && named(view.state, view.state.selection.main.head);
      if (typed || asked === "button") startCompletion(view);
    },
    writeDefault: (at, text) => {
      const insert = text === null ? "" : ` | default: ${quoted(text)}`;
      const end = view.state.doc.toString().indexOf("}}", at);
      view.dispatch({
        changes: { from: at, insert },
        selection: {
          anchor: Math.min((end < 0 ? at : end + 2) + insert.length, view.state.doc.length + insert.length),
        },
      });
      view.focus();
    },
  };
}

/** A list that scrolls can be reached; while it is open Tab takes what is chosen, so that it never leads into it. */
function reachable({ view }: ViewUpdate): void {
  (view.root as ShadowRoot)
    .querySelector(".cm-tooltip-autocomplete > ul:not([tabindex])")
    ?.setAttribute("tabindex", "0");
}

const quoted = (text: string): string => (text.includes('"') ? `'${text.replaceAll("'", "’")}'` : `"${text}"`);
