// What one user would get, as one writes: each part in the colour of where it came from.

import { useEffect, useState } from "preact/hooks";

import type { Preview as Shown, Traced, Variable } from "../api.js";
import type { Form, Pair } from "../draft/text.js";
import { Icon } from "../ui/icons.js";
import { memo } from "../ui/memo.js";
import { Code, Copy, Empty, Mistakes, Notice, Segmented, shown } from "../ui/parts.js";
import { words } from "../words.js";
import { parts } from "./liquid.js";
import type { Answer, Subject } from "./live.js";
import type { Need } from "./sample.js";

type Props = {
  form: Form;
  answer: Answer<Shown>;
  subject: Subject;
  setSubject: (subject: Subject) => void;
  wanted: Need[];
};

export function Preview({ form, answer, subject, setSubject, wanted }: Props) {
  const [as, setAs] = useState<"message" | "json">("message");
  const { data, error } = answer;
  const late = useLate(answer.stale && data !== null);
  const invalid = error?.code === "invalid";
  return (
    <section class="card preview" aria-labelledby="preview">
      <header>
        <h2 id="preview" class="grow" tabIndex={-1}>
          {words.preview.title} {late && <small class="quiet">{words.preview.updating}</small>}
        </h2>
        <Segmented
          label={words.preview.as}
          value={as}
          options={[
            ["message", words.preview.message],
            ["json", words.preview.json],
          ]}
          set={setAs}
        />
      </header>
      <div class="body">
        <ForWhom subject={subject} set={setSubject} />
        {!form.did.length && !data && (
          <Empty icon="campaigns" title={words.preview.nothing}>
            <p>{words.preview.nothingAbout}</p>
          </Empty>
        )}
        {error && !invalid && (
          <Notice kind={error.status === 404 || error.code === "no_message" ? "warn" : "bad"}>
            <span>{sentence(error.message)}</span>
          </Notice>
        )}
        {invalid && !data && form.did.length > 0 && <p class="help">{words.preview.notYet}</p>}
        <div class={`stack ${late || (error && data) ? "stale" : ""}`} aria-busy={answer.stale}>
          {data && (as === "message" ? <Message form={form} preview={data} /> : <AsJson preview={data} />)}
        </div>
        <p class="unseen" role="status">
          {data && !answer.stale ? words.preview.outcome(data.sent) : ""}
        </p>
        {subject.kind === "made-up" && wanted.length > 0 && form.did.length > 0 && (
          <MadeOf wanted={wanted} subject={subject} set={setSubject} />
        )}
        {subject.kind === "made-up" && recommends(data) && <p class="help">{words.preview.madeOfItems}</p>}
      </div>
    </section>
  );
}

const recommends = (data: Shown | null): boolean =>
  Object.values(data?.values ?? {}).some((each) => each.variables.some(({ origin }) => origin === "recommendation"));

const LATE_MS = 400;

/** Whether something is so for longer than one notices. */
function useLate(now: boolean): boolean {
  const [late, set] = useState(false);
  useEffect(() => {
    if (!now) return set(false);
    const timer = setTimeout(() => set(true), LATE_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return late;
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function ForWhom({ subject, set }: { subject: Subject; set: (subject: Subject) => void }) {
  const [user, type] = useState(subject.kind === "known" ? subject.user : "");
  const choose = (kind: Subject["kind"]): void =>
    set({ ...subject, kind, user: kind === "known" ? user : subject.user });
  return (
    <div class="stack">
      <div class="row">
        <Segmented
          label={words.preview.for}
          value={subject.kind}
          options={[
            ["made-up", words.preview.madeUp],
            ["known", words.preview.known],
          ]}
          set={choose}
        />
        {subject.kind === "known" && (
          <form
            class="row grow"
            onSubmit={(event) => {
              event.preventDefault();
              set({ ...subject, user: user.trim() });
            }}
          >
            <input
              class="input grow"
              aria-label={words.preview.user}
              placeholder={words.preview.userPlaceholder}
              value={user}
              onInput={(event) => type(event.currentTarget.value)}
              onBlur={() => set({ ...subject, user: user.trim() })}
              spellcheck={false}
              autocomplete="off"
            />
          </form>
        )}
      </div>
      {subject.kind === "known" && <p class="help">{words.preview.knownAbout}</p>}
    </div>
  );
}

type MadeOfProps = { wanted: Need[]; subject: Subject; set: (subject: Subject) => void };

function MadeOf({ wanted, subject, set }: MadeOfProps) {
  return (
    <div class="made-of">
      <h3>{words.preview.madeOf}</h3>
      <div class="made-up">
        {wanted.map((need) => (
          <MadeUp
            key={need.key}
            need={need}
            value={subject.values[need.key] ?? need.example}
            set={(value) => set({ ...subject, values: { ...subject.values, [need.key]: value } })}
          />
        ))}
      </div>
    </div>
  );
}

function MadeUp({ need, value, set }: { need: Need; value: string; set: (value: string) => void }) {
  const id = `need-${need.key}`;
  return (
    <>
      <label for={id}>
        <span class={`variable of-${need.origin}`}>{need.label}</span>
      </label>
      <input
        id={id}
        class="input"
        dir="auto"
        value={value}
        placeholder={words.preview.missing}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => set(event.currentTarget.value)}
      />
    </>
  );
}

function Message({ form, preview }: { form: Form; preview: Shown }) {
  const faulty = Object.values(preview.values).some((each) => each.error);
  const variant = form.rules.variants.find(({ name }) => name !== "" && name === variantOf(preview));
  return (
    <>
      <ul class="shown">
        {[...templatesOf(form.pairs, variant?.pairs ?? [])].map(([key, template]) => {
          const traced = preview.values[key];
          return traced && <Value key={key} name={key} template={template} traced={traced} />;
        })}
      </ul>
      {variant && <p class="help">{words.preview.variant(variant.name)}</p>}
      {preview.reason && !faulty && (
        <Notice kind="bad">
          <span>
            <b>{words.preview.skipped(preview.reason)}</b> {words.preview.skippedAbout} {advice(preview.reason)}
          </span>
        </Notice>
      )}
      {preview.gate && (
        <Notice kind="warn">
          <span>{preview.gate}</span>
        </Notice>
      )}
      {!preview.reason && !preview.gate && (
        <p class="help">
          <Icon name="check" class="icon-inline" /> {words.preview.goes(preview.detail_type)}
        </p>
      )}
    </>
  );
}

/** What each key's text is made of: a variant says some of them in another way, and may say more. */
const templatesOf = (pairs: Pair[], varied: Pair[]): Map<string, string> =>
  new Map([...pairs, ...varied].map(({ key, value }) => [key, value]));

function variantOf({ detail }: Shown): unknown {
  const { metadata } = detail as { metadata?: { variant?: unknown } };
  return metadata?.variant;
}

function advice(reason: string): string {
  if (reason.startsWith("missing")) return words.preview.adviceMissing;
  return reason.startsWith("blank") ? words.preview.adviceBlank : "";
}

type ValueProps = { name: string; template: string; traced: Traced };

const Value = memo(({ name, template, traced }: ValueProps) => {
  return (
    <li data-key={name}>
      <span class="key">{name}</span>
      {traced.error && <Mistakes of={[traced.error.message]} />}
      {!traced.error && traced.text === null && <span class="none">{words.preview.noText(traced.reason ?? "")}</span>}
      {traced.text !== null && (
        <span class="text" dir="auto">
          {parts(template, traced).map(({ text, variable }, at) =>
            variable ? (
              <mark
                key={at}
                class={`of-${variable.origin}`}
                title={`${variable.name}: ${words.preview.origins[variable.origin]}`}
              >
                {text}
              </mark>
            ) : (
              text
            ),
          )}
        </span>
      )}
      {traced.variables.length > 0 && (
        <span class="variables">
          {traced.variables.map((variable) => (
            <Chip key={variable.name} variable={variable} />
          ))}
        </span>
      )}
    </li>
  );
});

function Chip({ variable }: { variable: Variable }) {
  const value = cut(shown(variable.value));
  const said =
    variable.origin === "missing"
      ? words.preview.missing
      : variable.origin === "default"
        ? words.preview.default(value)
        : value;
  return (
    <span class={`variable of-${variable.origin}`} title={words.preview.origins[variable.origin]}>
      {variable.name}
      <b dir="auto">{said}</b>
    </span>
  );
}

const LONGEST = 60;
const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

function AsJson({ preview }: { preview: Shown }) {
  const event = { "detail-type": preview.detail_type, detail: preview.detail };
  return (
    <>
      <h3>{words.preview.event}</h3>
      <Code label={words.preview.eventLabel} text={JSON.stringify(event, null, 2)} />
      <h3>{words.preview.rule}</h3>
      <Code label={words.preview.patternLabel} text={JSON.stringify(preview.pattern, null, 2)} />
      <p class="help">
        {words.preview.ruleAbout} <Copy text={JSON.stringify(preview.pattern)} label={words.preview.copyPattern} />
      </p>
    </>
  );
}
