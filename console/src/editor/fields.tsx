// CodeMirror in Preact's hands: what the page says goes into the editor, what is typed there comes out.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { SuggestionGroup } from "../api.js";
import { Icon } from "../ui/icons.js";
import { toast } from "../ui/parts.js";
import { words } from "../words.js";
import { type Editor, type Inserted, type Problem, type ValueEditor, valueEditor, yamlEditor } from "./code.js";
import { columnOf } from "./lookups.js";

export type Steps = { undo: () => void; redo: () => void };

type ValueProps = {
  label: string;
  value: string;
  set: (value: string) => void;
  problems: Problem[];
  suggestions: SuggestionGroup[];
  readOnly: boolean;
  steps: Steps;
  /** Null where the catalog's row is known already. */
  askLookup: (catalog: string) => boolean;
};

export function ValueField(props: ValueProps) {
  const { label, value, problems, suggestions, readOnly } = props;
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<ValueEditor | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [ask, setAsk] = useState<Inserted | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes is handed on below
  useEffect(() => {
    if (!host.current) return;
    const made = valueEditor({
      host: host.current,
      text: value,
      label,
      readOnly,
      placeholder: words.form.valuePlaceholder,
      changed: (text) => latest.current.set(text),
      undo: () => latest.current.steps.undo(),
      redo: () => latest.current.steps.redo(),
      suggestions: () => latest.current.suggestions,
      inserted: (what) => {
        const catalog = columnOf(what.suggestion.insert)?.catalog;
        if (!catalog || !latest.current.askLookup(catalog)) setAsk(what);
      },
    });
    editor.current = made;
    return () => made.destroy();
  }, []);
  useLayoutEffect(() => editor.current?.setText(value), [value]);
  useEffect(() => editor.current?.setReadOnly(readOnly), [readOnly]);
  const wrong = JSON.stringify(problems);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text needs them anew, too
  useEffect(() => editor.current?.setProblems(JSON.parse(wrong) as Problem[]), [wrong, value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor reads them from `latest`
  useEffect(() => editor.current?.suggested(), [suggestions]);
  useLayoutEffect(() => editor.current?.view.contentDOM.setAttribute("aria-label", label), [label]);

  const recommend = (): void => {
    const any = suggestions.some((group) => group.items.some((item) => item.insert.includes("Recommendations")));
    if (any) editor.current?.openMenu("recommendation");
    else toast(words.form.noRecommendations, { icon: "info" });
  };
  return (
    <>
      <div class={`editor ${problems.length ? "wrong" : ""}`}>
        <div class="host" ref={host} />
        {!readOnly && (
          <div class="inserts">
            <button
              type="button"
              class="button plain"
              aria-label={words.form.insertProperty(label)}
              title={words.form.insertPropertyTitle}
              onClick={() => editor.current?.openMenu()}
            >
              @
            </button>
            <button
              type="button"
              class="button plain"
              aria-label={words.form.insertRecommendation(label)}
              title={words.form.insertRecommendationTitle}
              onClick={recommend}
            >
              <Icon name="sparkle" />
            </button>
          </div>
        )}
      </div>
      {ask && (
        <div class="below">
          <AskDefault
            name={ask.suggestion.label}
            done={(text) => {
              setAsk(null);
              editor.current?.writeDefault(ask.at, text);
            }}
          />
        </div>
      )}
    </>
  );
}

/** What a message says where a user has no such value: asked at once, as else the message is skipped for that user. */
function AskDefault({ name, done }: { name: string; done: (text: string | null) => void }) {
  const [text, set] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Enter") done(text || null);
    else if (event.key === "Escape") done(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="ask fades" role="group" aria-label={words.form.defaultFor(name)}>
      <label>
        {words.form.without} <b>{name}</b>, {words.form.say}{" "}
        <input
          class="input"
          dir="auto"
          ref={input}
          value={text}
          onInput={(event) => set(event.currentTarget.value)}
          onKeyDown={keys}
          placeholder={words.form.default}
        />
      </label>
      <button type="button" class="button tiny primary" disabled={!text} onClick={() => done(text)}>
        {words.form.useDefault}
      </button>
      <button type="button" class="button tiny plain" onClick={() => done(null)}>
        {words.form.noDefault}
      </button>
    </div>
  );
}

type YamlProps = {
  label: string;
  text: string;
  set: (text: string) => void;
  problems: Problem[];
  readOnly: boolean;
  steps: Steps;
  /** The line to show, and to put the caret on. */
  line: number | null;
};

export function YamlField(props: YamlProps) {
  const { text, problems, readOnly, line } = props;
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latest = useRef(props);
  latest.current = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes is handed on below
  useEffect(() => {
    if (!host.current) return;
    const made = yamlEditor({
      host: host.current,
      text,
      label: latest.current.label,
      readOnly,
      changed: (next) => latest.current.set(next),
      undo: () => latest.current.steps.undo(),
      redo: () => latest.current.steps.redo(),
    });
    editor.current = made;
    return () => made.destroy();
  }, []);
  useLayoutEffect(() => editor.current?.setText(text), [text]);
  useEffect(() => editor.current?.setReadOnly(readOnly), [readOnly]);
  const wrong = JSON.stringify(problems);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text needs them anew, too
  useEffect(() => editor.current?.setProblems(JSON.parse(wrong) as Problem[]), [wrong, text]);
  useEffect(() => {
    if (line !== null) editor.current?.showLine(line);
  }, [line]);
  return (
    <div class={`editor yaml ${problems.length ? "wrong" : ""}`}>
      <div class="host" ref={host} />
    </div>
  );
}
