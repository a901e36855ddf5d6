// Who, hold constant, what: the campaign's file as a form.

import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { JsonObject, Mistake, Seen, SuggestionGroup } from "../api.js";
import * as draft from "../draft.js";
import type { Constant, Form, Pair } from "../draft.js";
import { Icon } from "../ui/icons.js";
import { Hints, Mistakes, Notice, Segmented } from "../ui/parts.js";
import { type Option, Picker } from "../ui/picker.js";
import type { Problem } from "./code.js";
import { ValueField } from "./fields.js";
import { useMatch } from "./live.js";
import { agreeing, propertiesOf } from "./sample.js";

export type Said = (...path: (string | number)[]) => string[];

export type FormProps = {
  form: Form; source: string; change: (source: string) => void; seen: Seen | null; suggestions: SuggestionGroup[];
  mistakes: Mistake[]; mistaken: Said; hinted: Said; readOnly: boolean;
};

export function Who({ form, source, change, seen, mistaken, hinted, readOnly }: FormProps) {
  const named = [...form.did, ...form.did_not];
  const options = (seen?.events ?? []).map((event) => ({ value: event.name, note: many(event.properties.length) })).filter((each) => !named.includes(each.value));
  const tuned = Boolean(Object.keys(form.where).length || form.settle || form.max_age);
  return (
    <section class="card" aria-labelledby="who">
      <header><span class="step">1</span><h2 id="who">Who</h2><span class="help">Users who started something, and did not finish it.</span></header>
      <div class="body">
        <div class="who">
          <span class="label">did</span>
          <div class="stack">
            <Events label="Event that the user did" names={form.did} options={options} readOnly={readOnly} set={(names) => change(draft.setNames(source, "did", names))} />
            <Mistakes of={mistaken("when", "did")} /><Hints of={hinted("when", "did")} />
          </div>
          <span class="label">did not</span>
          <div class="stack">
            <Events label="Event that the user did not do" names={form.did_not} options={options} readOnly={readOnly} set={(names) => change(draft.setNames(source, "did_not", names))} />
            <Mistakes of={mistaken("when", "did_not")} /><Hints of={hinted("when", "did_not")} />
          </div>
          <span class="label">within</span>
          <div class="stack">
            <div class="row">
              <Picker label="Within" value={form.within} options={DURATIONS} disabled={readOnly} invalid={mistaken("when", "within").length > 0} set={(value) => change(draft.setText(source, ["when", "within"], value))} />
              <span class="help">of doing it; a second time starts it again</span>
            </div>
            <Mistakes of={[...mistaken("when", "within"), ...mistaken("when")]} />
          </div>
        </div>
        {named.length > 0 && (
          <details open={tuned}>
            <summary>Filters and timing</summary>
            <div class="stack">
              {named.map((event) => (
                <div class="field" key={event}>
                  <label for={`where-${event}`}>Only “{event}” where</label>
                  <Typed id={`where-${event}`} mono value={form.where[event] ?? ""} placeholder="price >= `20`   (JMESPath; empty: always)" disabled={readOnly} set={(value) => change(draft.setFilter(source, event, value))} />
                  <Mistakes of={mistaken("when", "where", event)} /><Hints of={hinted("when", "where", event)} />
                </div>
              ))}
              <div class="two">
                <div class="field">
                  <label for="settle">Settle for</label>
                  <Typed id="settle" value={form.settle} placeholder="60 seconds" disabled={readOnly} set={(value) => change(draft.setText(source, ["when", "settle"], value, { optional: true }))} />
                  <span class="help">Not decided sooner after the event arrived.</span><Mistakes of={mistaken("when", "settle")} />
                </div>
                <div class="field">
                  <label for="max-age">Not older than</label>
                  <Typed id="max-age" value={form.max_age} placeholder="2 hours" disabled={readOnly} set={(value) => change(draft.setText(source, ["when", "max_age"], value, { optional: true }))} />
                  <span class="help">What arrives later is history, and sends nothing.</span><Mistakes of={mistaken("when", "max_age")} />
                </div>
              </div>
            </div>
          </details>
        )}
      </div>
    </section>
  );
}

const DURATIONS: Option[] = ["10 minutes", "30 minutes", "1 hour", "4 hours", "24 hours", "3 days", "7 days"].map((value) => ({ value }));
const many = (properties: number): string => (properties === 1 ? "1 property" : `${properties} properties`);

function Events({ label, names, options, set, readOnly }: { label: string; names: string[]; options: Option[]; set: (names: string[]) => void; readOnly: boolean }) {
  return (
    <div class="row">
      {names.map((name) => (
        <span class={`chip ${readOnly ? "fixed" : ""}`} key={name}>
          <span class="cut">{name}</span>
          {!readOnly && <button type="button" class="button plain tiny icon" aria-label={`Remove ${name}`} onClick={() => set(names.filter((each) => each !== name))}><Icon name="close" /></button>}
        </span>
      ))}
      {!readOnly && <Picker adds label={label} value="" options={options} placeholder={names.length ? "and …" : "an event"} set={(name) => !names.includes(name) && set([...names, name])} />}
      {readOnly && names.length === 0 && <span class="help">anything</span>}
    </div>
  );
}

/** A field that says what it has when one leaves it, or at Enter: half an expression is no edit. */
export function Typed({ value, set, mono = false, ...more }: { value: string; set: (value: string) => void; mono?: boolean; id?: string; placeholder?: string; disabled?: boolean; label?: string; invalid?: boolean }) {
  const [text, type] = useState(value);
  useLayoutEffect(() => type(value), [value]);
  const done = (): void => {
    if (text.trim() !== value) set(text.trim());
  };
  return (
    <input
      class={`input ${mono ? "mono" : ""}`} type="text" spellcheck={false} autocomplete="off" id={more.id} placeholder={more.placeholder} disabled={more.disabled}
      aria-label={more.label} aria-invalid={more.invalid ?? false}
      value={text} onInput={(event) => type(event.currentTarget.value)} onBlur={done} onKeyDown={(event) => event.key === "Enter" && done()}
    />
  );
}

// --- hold constant ---

export function Hold({ form, source, change, seen, mistakes, mistaken, hinted, readOnly }: FormProps) {
  const named = [...form.did, ...form.did_not];
  const more = (): void => change(draft.setConstants(source, [...form.constants, { name: form.constants.length ? "" : "product", in: {} }]));
  return (
    <section class="card" aria-labelledby="hold">
      <header><span class="step">2</span><h2 id="hold">Hold constant</h2><span class="help">What must be the same in all of them, such as the product.</span></header>
      <div class="body">
        {form.constants.map((constant, at) => (
          <Held key={at} at={at} constant={constant} form={form} named={named} seen={seen} source={source} change={change} mistaken={mistaken} hinted={hinted} readOnly={readOnly} />
        ))}
        {form.constants.length === 0 && <p class="help">Nothing: one message for each user, whatever the events are about.</p>}
        {!readOnly && (
          <div class="row">
            <button type="button" class="button" onClick={more}><Icon name="plus" />{form.constants.length ? "And another property" : "Hold a property constant"}</button>
          </div>
        )}
        {form.constants.length > 0 && named.length > 0 && <Check form={form} source={source} broken={mistakes.some(({ path }) => path[0] === "when" || path[0] === "constant")} />}
      </div>
    </section>
  );
}

type HeldProps = { at: number; constant: Constant; named: string[] } & Pick<FormProps, "form" | "seen" | "source" | "change" | "mistaken" | "hinted" | "readOnly">;

function Held({ at, constant, form, named, seen, source, change, mistaken, hinted, readOnly }: HeldProps) {
  const path = form.constants.length > 1 ? ["constant", at] : ["constant"];
  const said = (of: Said, ...rest: string[]): string[] => [...of("constant", at, ...rest), ...(path.length === 1 ? of("constant", ...rest) : [])];
  return (
    <fieldset class="stack">
      <legend class="unseen">Constant property {constant.name}</legend>
      <div class="held">
        <span class="in">called</span>
        <div class="row">
          <div class="grow"><Typed label="Name of the constant property" value={constant.name} placeholder="product" disabled={readOnly} set={(name) => change(draft.setConstantName(source, at, name))} /></div>
          {!readOnly && <button type="button" class="button plain icon" aria-label={`Remove the constant property ${constant.name}`} onClick={() => change(draft.setConstants(source, form.constants.filter((_, n) => n !== at)))}><Icon name="trash" /></button>}
        </div>
        {named.map((event) => (
          <Where key={event} event={event} options={comparable(propertiesOf(event, seen))} value={constant.in[event] ?? ""} disabled={readOnly} set={(value) => change(draft.setConstantPath(source, at, event, value))} />
        ))}
      </div>
      <Mistakes of={[...said(mistaken), ...said(mistaken, "in"), ...said(mistaken, "name"), ...named.flatMap((event) => said(mistaken, "in", event))]} />
      <Hints of={named.flatMap((event) => said(hinted, "in", event))} />
    </fieldset>
  );
}

/** What can be equal to something: no objects, and no lists of them. */
function comparable(all: { path: string; note: string }[]): Option[] {
  const holds = (path: string): boolean => all.some((other) => other.path.startsWith(`${path}.`) || other.path.startsWith(`${path}[]`));
  return all.filter(({ path, note }) => note !== "object" && !holds(path)).map(({ path, note }) => ({ value: path, note }));
}

function Where({ event, options, value, set, disabled }: { event: string; options: Option[]; value: string; set: (value: string) => void; disabled: boolean }) {
  return (
    <>
      <span class="in">in {event}</span>
      <Picker mono label={`Property of ${event}`} value={value} options={options} placeholder="product_name or Items[].prod_name" disabled={disabled} set={set} />
    </>
  );
}

function Check({ form, source, broken }: { form: Form; source: string; broken: boolean }) {
  const [text, set] = useState<string | null>(null);
  const read = text === null ? null : lines(text);
  const { data, error, stale } = useMatch(broken || read === null || read.length === 0 ? null : source, read);
  const open = (event: Event): void => {
    if ((event.currentTarget as HTMLDetailsElement).open && text === null) set(agreeing(form).map((each) => JSON.stringify(each)).join("\n"));
  };
  return (
    <details onToggle={open}>
      <summary>Check it with sample events</summary>
      <div class="stack">
        <textarea class="textarea mono" rows={4} aria-label="Sample events, one JSON object a line" spellcheck={false} value={text ?? ""} onInput={(event) => set(event.currentTarget.value)} />
        <div class={stale ? "stale" : ""} aria-live="polite">
          {broken && <p class="help">Say who, and what is held constant, to check it.</p>}
          {!broken && read === null && <Mistakes of={["One JSON object a line, each with its event: {\"event\": \"added to cart\", …}"]} />}
          {!broken && error && <Mistakes of={[error.message]} />}
          {!broken && !error && data && <Notice kind={data.match ? "good" : "warn"}><span>{data.text}</span></Notice>}
        </div>
      </div>
    </details>
  );
}

function lines(text: string): JsonObject[] | null {
  try {
    const whole = text.trim();
    const read = (whole.startsWith("[") ? JSON.parse(whole) : whole.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line) as unknown)) as unknown[];
    return read.every((each) => typeof each === "object" && each !== null) ? (read as JsonObject[]) : null;
  } catch {
    return null;
  }
}

// --- what ---

export function What({ form, source, change, suggestions, mistakes, mistaken, hinted, readOnly }: FormProps) {
  const list = useRef<HTMLOListElement>(null);
  const [focus, setFocus] = useState<{ at: number; on: string } | null>(null);
  useLayoutEffect(() => {
    if (!focus) return;
    list.current?.children[focus.at]?.querySelector<HTMLElement>(focus.on)?.focus();
    setFocus(null);
  }, [focus]);
  const { pairs } = form;
  const set = (next: Pair[]): void => change(draft.setPairs(source, next));
  const add = (): void => {
    const empty = pairs.findIndex((pair) => pair.key === "");
    if (empty < 0) set([...pairs, { key: "", value: "" }]);
    setFocus({ at: empty < 0 ? pairs.length : empty, on: ".key-input" });
  };
  const move = (at: number, by: -1 | 1): void => {
    const to = at + by;
    const moved = pairs[at];
    if (!moved || to < 0 || to >= pairs.length) return;
    const rest = pairs.filter((_, n) => n !== at);
    set([...rest.slice(0, to), moved, ...rest.slice(to)]);
    setFocus({ at: to, on: by < 0 ? ".move-up:not(:disabled), .move-down" : ".move-down:not(:disabled), .move-up" });
  };
  return (
    <section class="card" aria-labelledby="what">
      <header><span class="step">3</span><h2 id="what">What</h2><span class="help">The key-value pairs of the message. Type <kbd>@</kbd> for a property.</span></header>
      <div class="body">
        <ol class="pairs" ref={list}>
          {pairs.map((pair, at) => (
            <Row
              key={at} pair={pair} taken={pairs.filter((_, n) => n !== at).map((each) => each.key)} readOnly={readOnly} suggestions={suggestions}
              problems={problemsOf(mistakes, pair.key)} mistaken={[...mistaken("send", "values", pair.key)]} hinted={hinted("send", "values", pair.key)}
              rename={(key) => set(pairs.map((each, n) => (n === at ? { ...each, key } : each)))}
              write={(value) => change(draft.setPairValue(source, pair.key, value))}
              up={at > 0 ? () => move(at, -1) : null} down={at < pairs.length - 1 ? () => move(at, 1) : null}
              remove={() => {
                set(pairs.filter((_, n) => n !== at));
                setFocus({ at: Math.max(0, at - 1), on: ".key-input" });
              }}
            />
          ))}
        </ol>
        <Mistakes of={[...mistaken("send", "values"), ...mistaken("send")]} />
        {!readOnly && <div class="row"><button type="button" class="button" onClick={add}><Icon name="plus" />Key-Value Pair</button></div>}
        <details open={form.one_per === "user" || form.detail_type !== ""}>
          <summary>How it is sent</summary>
          <div class="stack">
            <div class="row">
              <Segmented
                label="One message for" value={form.one_per} options={[["value", "One for each value"], ["user", "One summary for a user"]]}
                set={(value) => !readOnly && change(draft.setText(source, ["send", "one_per"], value === "value" ? "" : value, { optional: true }))}
              />
              {form.one_per === "user" && (
                <label class="row small">of at most <span><Typed label="Most values in a summary" value={form.limit} placeholder="5" disabled={readOnly} set={(value) => change(draft.setText(source, ["send", "limit"], value, { optional: true }))} /></span></label>
              )}
            </div>
            <Mistakes of={[...mistaken("send", "one_per"), ...mistaken("send", "limit")]} />
            <div class="field">
              <label for="detail-type">Detail type, by which rules catch it</label>
              <Typed id="detail-type" value={form.detail_type} placeholder="Personalized Message" disabled={readOnly} set={(value) => change(draft.setText(source, ["send", "detail_type"], value, { optional: true }))} />
            </div>
          </div>
        </details>
      </div>
    </section>
  );
}

const problemsOf = (mistakes: Mistake[], key: string): Problem[] =>
  mistakes
    .filter(({ path }) => path[0] === "send" && path[1] === "values" && path[2] === key && path.length === 3)
    .map(({ message, template_line, template_column }) => ({ message, line: template_line ?? 1, column: template_column ?? 1 }));

type RowProps = {
  pair: Pair; taken: string[]; readOnly: boolean; suggestions: SuggestionGroup[]; problems: Problem[]; mistaken: string[]; hinted: string[];
  rename: (key: string) => void; write: (value: string) => void; up: (() => void) | null; down: (() => void) | null; remove: () => void;
};

function Row({ pair, taken, readOnly, suggestions, problems, mistaken, hinted, rename, write, up, down, remove }: RowProps) {
  const [key, type] = useState(pair.key);
  useLayoutEffect(() => type(pair.key), [pair.key]); // before the next key is pressed
  const twice = key !== pair.key && taken.includes(key);
  const name = pair.key || "the new pair";
  const keys = (event: KeyboardEvent): void => {
    const go = event.altKey && (event.key === "ArrowUp" ? up : event.key === "ArrowDown" ? down : null);
    if (!go) return;
    event.preventDefault();
    go();
  };
  const renamed = (next: string): void => {
    type(next);
    if (next !== pair.key && !taken.includes(next)) rename(next);
  };
  return (
    <li class="pair" onKeyDown={keys}>
      <input class="input mono key-input" aria-label="Key" aria-invalid={twice} placeholder="key" spellcheck={false} autocomplete="off" value={key} disabled={readOnly} onInput={(event) => renamed(event.currentTarget.value)} onBlur={() => type(pair.key)} />
      <ValueField label={`Value of ${name}`} value={pair.value} set={write} problems={problems} suggestions={suggestions} readOnly={readOnly} />
      {!readOnly && (
        <div class="tools">
          <button type="button" class="button plain tiny icon move-up" aria-label={`Move ${name} up`} title="Move up (Alt ↑)" disabled={!up} onClick={() => up?.()}><Icon name="up" /></button>
          <button type="button" class="button plain tiny icon move-down" aria-label={`Move ${name} down`} title="Move down (Alt ↓)" disabled={!down} onClick={() => down?.()}><Icon name="down" /></button>
          <button type="button" class="button plain tiny icon" aria-label={`Remove ${name}`} title="Remove" onClick={remove}><Icon name="close" /></button>
        </div>
      )}
      {(twice || mistaken.length > 0 || hinted.length > 0) && (
        <div class="below">
          {twice && <Mistakes of={[`There is a pair with the key ${key} already.`]} />}
          <Mistakes of={mistaken} /><Hints of={hinted} />
        </div>
      )}
    </li>
  );
}
