// What a campaign sends: the key-value pairs of its message, and how it is sent.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Mistake, Preview, SuggestionGroup } from "../../api.js";
import { type Row as Identity, identified } from "../../draft/identity.js";
import type { Lookup, Pair } from "../../draft/text.js";
import * as text from "../../draft/text.js";
import { Icon } from "../../ui/icons.js";
import { memo, useNewest } from "../../ui/memo.js";
import { Hints, Mistakes, Segmented, toast } from "../../ui/parts.js";
import { words } from "../../words.js";
import type { Problem } from "../code.js";
import { type Steps, ValueField } from "../fields.js";
import { AskLookup, Lookups, withCatalogs } from "../lookups.js";
import { propertiesOf } from "../sample.js";
import type { Edit, FormProps, Said } from "./props.js";
import { Typed } from "./typed.js";

type Props = FormProps & { pairs: Pair[]; preview: Preview | null };

export function Message(props: Props) {
  const { form, pairs, edit, steps, seen, catalogs, suggestions, preview, mistakes, mistaken, hinted, readOnly } =
    props;
  const rows = useRows(pairs);
  const list = useRef<HTMLOListElement>(null);
  const [focus, setFocus] = useState<{ at: number; on: string } | null>(null);
  useLayoutEffect(() => {
    if (!focus) return;
    list.current?.children[focus.at]?.querySelector<HTMLElement>(focus.on)?.focus();
    setFocus(null);
  }, [focus]);
  const [asked, setAsked] = useState<string | null>(null);
  const lookedUp = JSON.stringify(form.lookups.map(({ catalog }) => catalog));
  const known = useMemo(
    () => withCatalogs(suggestions, catalogs, JSON.parse(lookedUp)),
    [suggestions, catalogs, lookedUp],
  );

  const add = (): void => {
    const empty = pairs.findIndex((pair) => pair.key === "");
    if (empty < 0) edit((source) => text.addPair(source, "", ""));
    setFocus({ at: empty < 0 ? pairs.length : empty, on: ".key-input" });
  };
  const move = useNewest((at: number, by: -1 | 1): void => {
    edit((source) => text.movePair(source, at, at + by));
    const on = by < 0 ? ".move-up:not(:disabled), .move-down" : ".move-down:not(:disabled), .move-up";
    setFocus({ at: at + by, on });
  });
  const remove = useNewest((at: number, key: string): void => {
    edit((source) => text.removePair(source, at));
    toast(words.form.pairRemoved(key || words.form.newPair), {
      action: { label: words.editor.undo, do: steps.undo },
    });
    setFocus({ at: Math.max(0, at - 1), on: ".key-input" });
  });
  const askLookup = useNewest((catalog: string): boolean => {
    const open =
      !form.lookups.some((each) => each.catalog === catalog) && catalogs.some(({ name }) => name === catalog);
    if (open) setAsked(catalog);
    return open;
  });
  const marks = useMemo(() => marksOf(rows, mistakes, mistaken, hinted), [rows, mistakes, mistaken, hinted]);
  const lookUp = (lookup: Lookup | null): void => {
    setAsked(null);
    if (lookup) edit((source) => text.setLookup(source, lookup));
  };
  return (
    <section class="card" aria-labelledby="message">
      <header>
        <span class="step">3</span>
        <h2 id="message" tabIndex={-1}>
          {words.form.message}
        </h2>
        <span class="help">{words.form.messageAbout}</span>
      </header>
      <div class="body">
        <ol class="pairs" ref={list}>
          {pairs.map((pair, at) => (
            <Row
              key={rows[at]?.id}
              name={pair.key}
              value={pair.value}
              type={pair.type}
              at={at}
              last={at === pairs.length - 1}
              taken={rows}
              edit={edit}
              steps={steps}
              readOnly={readOnly}
              suggestions={known}
              rendered={renderedOf(preview, pair.key)}
              marks={marks.get(pair.key) ?? NO_MARKS}
              askLookup={askLookup}
              move={move}
              remove={remove}
            />
          ))}
        </ol>
        {asked !== null && (
          <AskLookup
            catalog={asked}
            columns={catalogs.find(({ name }) => name === asked)?.columns ?? []}
            properties={lookable(form.did, seen, form)}
            done={lookUp}
          />
        )}
        <Mistakes of={[...mistaken("send", "values"), ...mistaken("send")]} />
        {!readOnly && (
          <div class="row" data-place="send.values send">
            <button type="button" class="button" onClick={add}>
              <Icon name="plus" />
              {words.form.addPair}
            </button>
          </div>
        )}
        <Lookups
          form={form}
          readOnly={readOnly}
          remove={(lookup) => edit((source) => text.removeLookup(source, lookup))}
        />
        <Sending {...props} />
      </div>
    </section>
  );
}

/** What of an event may say which row of a catalog is meant: the matched property first. */
function lookable(did: string[], seen: FormProps["seen"], form: FormProps["form"]) {
  const matched = form.constants.flatMap((each) => did.flatMap((event) => each.in[event] ?? []));
  const all = did.flatMap((event) => propertiesOf(event, seen)).filter(({ path }) => !path.includes("[]"));
  const more = all.filter(({ path }) => !matched.includes(path));
  return [...new Set(matched)]
    .map((value) => ({ value, note: "" }))
    .concat([...new Map(more.map((each) => [each.path, { value: each.path, note: each.note }])).values()]);
}

let rowNumber = 0;
const nextRow = (): number => ++rowNumber;

function useRows(pairs: Pair[]): Identity[] {
  const rows = useRef<Identity[]>([]);
  const keys = pairs.map((pair) => pair.key);
  const same = rows.current.length === keys.length && rows.current.every((row, at) => row.key === keys[at]);
  if (!same) rows.current = identified(rows.current, keys, nextRow);
  return rows.current;
}

function Sending({ form, edit, mistaken, readOnly }: FormProps) {
  const set = (of: string, value: string): void =>
    edit((source) => text.setText(source, ["send", of], value, { optional: true }));
  return (
    <details open={form.one_per === "user" || form.detail_type !== ""}>
      <summary>{words.form.sending}</summary>
      <div class="stack">
        <div class="row" data-place="send.one_per send.limit">
          <Segmented
            label={words.form.onePer}
            value={form.one_per}
            disabled={readOnly}
            options={[
              ["value", words.form.onePerValue],
              ["user", words.form.onePerUser],
            ]}
            set={(value) => set("one_per", value === "value" ? "" : value)}
          />
          {form.one_per === "user" && (
            <div class="row small">
              {words.form.limit}
              <span class="short">
                <Typed
                  label={words.form.limitLabel}
                  value={form.limit}
                  placeholder="5"
                  disabled={readOnly}
                  set={(value) => set("limit", value)}
                />
              </span>
            </div>
          )}
        </div>
        <Mistakes of={[...mistaken("send", "one_per"), ...mistaken("send", "limit")]} />
        <div class="field" data-place="send.detail_type">
          <label for="detail-type">{words.form.detailType}</label>
          <Typed
            id="detail-type"
            value={form.detail_type}
            placeholder={words.form.detailTypePlaceholder}
            disabled={readOnly}
            set={(value) => set("detail_type", value)}
          />
          <Mistakes of={mistaken("send", "detail_type")} />
        </div>
      </div>
    </details>
  );
}

/** Where the preview is far below, what one writes is shown below it while one does. */
const renderedOf = (preview: Preview | null, key: string): string => {
  const traced = preview?.values[key];
  return traced ? (traced.text ?? (traced.error ? "" : words.preview.noText(traced.reason ?? ""))) : "";
};

const problemsOf = (mistakes: Mistake[], key: string): Problem[] =>
  mistakes
    .filter(({ path }) => path[0] === "send" && path[1] === "values" && path[2] === key && path.length === 3)
    .map(({ message, template_line, template_column }) => ({
      message,
      line: template_line ?? 1,
      column: template_column ?? 1,
    }));

/** What is wrong with a pair, and what may be. */
type Marks = { problems: Problem[]; mistaken: string[]; hinted: string[] };
const NO_MARKS: Marks = { problems: [], mistaken: [], hinted: [] };

const marksOf = (rows: Identity[], mistakes: Mistake[], mistaken: Said, hinted: Said): Map<string, Marks> =>
  new Map(
    rows
      .map(({ key }): [string, Marks] => {
        const path = ["send", "values", key];
        return [key, { problems: problemsOf(mistakes, key), mistaken: mistaken(...path), hinted: hinted(...path) }];
      })
      .filter(([, of]) => of.problems.length + of.mistaken.length + of.hinted.length > 0),
  );

/** Nothing in it is new where nothing about its pair is: a key typed into one row renders no other one. */
type RowProps = {
  name: string;
  value: string;
  type: string;
  at: number;
  last: boolean;
  taken: Identity[];
  edit: Edit;
  steps: Steps;
  readOnly: boolean;
  suggestions: SuggestionGroup[];
  rendered: string;
  marks: Marks;
  askLookup: (catalog: string) => boolean;
  move: (at: number, by: -1 | 1) => void;
  remove: (at: number, key: string) => void;
};

const Row = memo((props: RowProps) => {
  const { name: own, value, at, last, taken, edit, steps, readOnly, suggestions } = props;
  const { problems, mistaken, hinted } = props.marks;
  const [key, type] = useState(own);
  useLayoutEffect(() => type(own), [own]); // before the next key is pressed
  const others = (next: string): boolean => taken.some((each, n) => n !== at && each.key === next);
  const twice = key !== own && others(key);
  const name = own || words.form.newPair;
  const up = at > 0 ? () => props.move(at, -1) : null;
  const down = last ? null : () => props.move(at, 1);
  const keys = (event: KeyboardEvent): void => {
    const go = event.altKey && (event.key === "ArrowUp" ? up : event.key === "ArrowDown" ? down : null);
    if (!go) return;
    event.preventDefault();
    go();
  };
  const renamed = (next: string): void => {
    type(next);
    if (next !== own && !others(next)) edit((source) => text.renamePair(source, at, next), `key ${at}`);
  };
  return (
    <li class="pair" onKeyDown={keys} data-place={`send.values.${own}`}>
      <input
        class="input mono key-input"
        aria-label={words.form.key}
        aria-invalid={twice}
        placeholder={words.form.keyPlaceholder}
        spellcheck={false}
        autocomplete="off"
        value={key}
        disabled={readOnly}
        data-pending={twice}
        onInput={(event) => renamed(event.currentTarget.value)}
        onBlur={() => type(own)}
      />
      {props.type && (
        <span class="pill plain type" title={words.form.typed(props.type)}>
          {props.type}
        </span>
      )}
      <ValueField
        label={words.form.valueOf(name)}
        value={value}
        set={(next) => edit((source) => text.setPairValue(source, own, next), `value ${own}`)}
        problems={problems}
        suggestions={suggestions}
        readOnly={readOnly}
        steps={steps}
        askLookup={props.askLookup}
      />
      {!readOnly && (
        <div class="tools">
          <Tool class="move-up" icon="up" label={words.form.up(name)} title="Alt ↑" act={up} />
          <Tool class="move-down" icon="down" label={words.form.down(name)} title="Alt ↓" act={down} />
          <Tool class="" icon="close" label={words.form.remove(name)} act={() => props.remove(at, own)} />
        </div>
      )}
      {props.rendered && (
        <p class="rendered" dir="auto" aria-hidden="true">
          {props.rendered}
        </p>
      )}
      {(twice || mistaken.length > 0 || hinted.length > 0) && (
        <div class="below">
          {twice && <Mistakes of={[words.form.twice(key)]} />}
          <Mistakes of={mistaken} />
          <Hints of={hinted} />
        </div>
      )}
    </li>
  );
});

type ToolProps = {
  class: string;
  icon: "up" | "down" | "close";
  label: string;
  title?: string;
  act: (() => void) | null;
};

function Tool({ class: name, icon, label, title, act }: ToolProps) {
  return (
    <button
      type="button"
      class={`button plain tiny icon ${name}`}
      aria-label={label}
      title={title ? `${label} (${title})` : label}
      disabled={!act}
      onClick={() => act?.()}
    >
      <Icon name={icon} />
    </button>
  );
}
