// CodeMirror in Preact's hands: what the page says goes into the editor, what is typed there comes out.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { SuggestionGroup } from "../api.js";
import { Icon } from "../ui/icons.js";
import { toast } from "../ui/parts.js";
import { type Editor, type Inserted, type Problem, type ValueEditor, valueEditor, yamlEditor } from "./code.js";

type ValueProps = {
  label: string; value: string; set: (value: string) => void; problems: Problem[]; suggestions: SuggestionGroup[]; readOnly: boolean;
};

export function ValueField({ label, value, set, problems, suggestions, readOnly }: ValueProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<ValueEditor | null>(null);
  const latest = useRef({ set, suggestions });
  latest.current = { set, suggestions };
  const [ask, setAsk] = useState<Inserted | null>(null);

  useEffect(() => {
    if (!host.current) return;
    const made = valueEditor({
      host: host.current, text: value, label, readOnly,
      placeholder: "Text; type @ to insert a property",
      changed: (text) => latest.current.set(text),
      suggestions: () => latest.current.suggestions,
      inserted: setAsk,
    });
    editor.current = made;
    return () => made.destroy();
  }, []);
  useLayoutEffect(() => editor.current?.setText(value), [value]);
  useEffect(() => editor.current?.setReadOnly(readOnly), [readOnly]);
  useEffect(() => editor.current?.setProblems(problems), [JSON.stringify(problems), value]);
  useLayoutEffect(() => editor.current?.view.contentDOM.setAttribute("aria-label", label), [label]);

  const recommend = (): void => {
    if (suggestions.some((group) => group.items.some((item) => item.insert.includes("Recommendations")))) editor.current?.openMenu("recommendation");
    else toast("There are no recommendations yet: they are set up beside the catalogs, with the command line.", "info");
  };
  return (
    <>
      <div class={`editor ${problems.length ? "wrong" : ""}`}>
        <div class="host" ref={host} />
        {!readOnly && (
          <div class="inserts">
            <button type="button" class="button plain" aria-label={`Insert a property into ${label}`} title="Insert a property ( @ )" onClick={() => editor.current?.openMenu()}>@</button>
            <button type="button" class="button plain" aria-label={`Insert a recommendation into ${label}`} title="Insert a recommendation" onClick={recommend}><Icon name="sparkle" /></button>
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

/** What a message says where a user has no such value: asked at once, as else the message is withheld for that user. */
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
    <div class="ask fades" role="group" aria-label={`Default for ${name}`}>
      <label>
        Without <b>{name}</b>, say{" "}
        <input class="input" ref={input} value={text} onInput={(event) => set(event.currentTarget.value)} onKeyDown={keys} placeholder="a default" />
      </label>
      <button type="button" class="button tiny primary" disabled={!text} onClick={() => done(text)}>Use it</button>
      <button type="button" class="button tiny plain" onClick={() => done(null)}>No default: withhold the message</button>
    </div>
  );
}

type YamlProps = { text: string; set: (text: string) => void; problems: Problem[]; readOnly: boolean };

export function YamlField({ text, set, problems, readOnly }: YamlProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latest = useRef(set);
  latest.current = set;
  useEffect(() => {
    if (!host.current) return;
    const made = yamlEditor({ host: host.current, text, label: "The campaign as YAML", readOnly, changed: (next) => latest.current(next) });
    editor.current = made;
    return () => made.destroy();
  }, []);
  useLayoutEffect(() => editor.current?.setText(text), [text]);
  useEffect(() => editor.current?.setReadOnly(readOnly), [readOnly]);
  useEffect(() => editor.current?.setProblems(problems), [JSON.stringify(problems), text]);
  return <div class={`editor yaml ${problems.length ? "wrong" : ""}`}><div class="host" ref={host} /></div>;
}
