// What one user would get, as one writes: each part in the colour of where it came from.

import { useState } from "preact/hooks";

import type { Preview as Shown, Traced, Variable } from "../api.js";
import type { Form } from "../draft.js";
import { Icon } from "../ui/icons.js";
import { Code, Copy, Empty, Mistakes, Notice, Segmented, shown } from "../ui/parts.js";
import type { Answer, Subject } from "./live.js";
import { parts, said } from "./liquid.js";
import type { Need } from "./sample.js";

type Props = {
  form: Form; answer: Answer<Shown>; subject: Subject; setSubject: (subject: Subject) => void; wanted: Need[];
};

export function Preview({ form, answer, subject, setSubject, wanted }: Props) {
  const [as, setAs] = useState<"message" | "json">("message");
  const { data, error } = answer;
  return (
    <section class="card preview" aria-labelledby="preview" data-stale={answer.stale}>
      <header>
        <h2 id="preview" class="grow">Preview</h2>
        <Segmented label="Show as" value={as} options={[["message", "Message"], ["json", "JSON"]]} set={setAs} />
      </header>
      <div class="body">
        <ForWhom subject={subject} set={setSubject} />
        {!form.did.length && !data && <Empty icon="campaigns" title="Nothing to show yet"><p>Say who did what, and write a value: the message appears here as you type.</p></Empty>}
        {error && error.code !== "invalid" && <Notice kind={error.code === "no_message" ? "warn" : "bad"}><span>{sentence(error.message)}</span></Notice>}
        {error?.code === "invalid" && !data && <p class="help">The message appears here once the campaign says who, and what is held constant.</p>}
        {data && (as === "message" ? <Message form={form} preview={data} dimmed={error !== null} /> : <AsJson preview={data} />)}
        {subject.kind === "made-up" && wanted.length > 0 && form.did.length > 0 && (
          <div class="made-of">
            <h3>What the made-up user has</h3>
            <div class="made-up">
              {wanted.map((need) => (
                <MadeUp key={need.key} need={need} value={subject.values[need.key] ?? need.example} set={(value) => setSubject({ ...subject, values: { ...subject.values, [need.key]: value } })} />
              ))}
            </div>
          </div>
        )}
      </div>
    </section>
  );
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function ForWhom({ subject, set }: { subject: Subject; set: (subject: Subject) => void }) {
  const [user, type] = useState(subject.kind === "known" ? subject.user : "");
  return (
    <div class="stack">
      <div class="row">
        <Segmented label="Preview for" value={subject.kind} options={[["made-up", "Made-up user"], ["known", "A user you have"]]} set={(kind) => set({ ...subject, kind, user: kind === "known" ? user : subject.user })} />
        {subject.kind === "known" && (
          <form class="row grow" onSubmit={(event) => (event.preventDefault(), set({ ...subject, user: user.trim() }))}>
            <input class="input grow" aria-label="User id" placeholder="User id, then Enter" value={user} onInput={(event) => type(event.currentTarget.value)} onBlur={() => set({ ...subject, user: user.trim() })} spellcheck={false} autocomplete="off" />
          </form>
        )}
      </div>
      {subject.kind === "known" && <p class="help">With the profile and the latest event that are held of this user.</p>}
    </div>
  );
}

function MadeUp({ need, value, set }: { need: Need; value: string; set: (value: string) => void }) {
  const id = `need-${need.key}`;
  return (
    <>
      <label for={id}><span class={`variable of-${need.origin}`}>{need.label}</span></label>
      <input id={id} class="input" value={value} placeholder="missing" spellcheck={false} autocomplete="off" onInput={(event) => set(event.currentTarget.value)} />
    </>
  );
}

function Message({ form, preview, dimmed }: { form: Form; preview: Shown; dimmed: boolean }) {
  const template = new Map(form.pairs.map(({ key, value }) => [key, value]));
  const keys = [...template.keys()].filter((key) => preview.values[key]);
  return (
    <div class={`stack ${dimmed ? "stale" : ""}`}>
      <ul class="shown">
        {keys.map((key) => {
          const traced = preview.values[key];
          return traced && <Value key={key} name={key} template={template.get(key) ?? ""} traced={traced} />;
        })}
      </ul>
      {preview.reason && !Object.values(preview.values).some((each) => each.error) && (
        <Notice kind="bad">
          <span><b>Withheld: {preview.reason}.</b> This user would get no message. {advice(preview.reason)}</span>
        </Notice>
      )}
      {!preview.reason && <p class="help"><Icon name="check" class="icon-inline" /> Goes on the bus as “{preview.detail_type}”.</p>}
    </div>
  );
}

const advice = (reason: string): string =>
  reason.startsWith("missing") ? "Give the property a default, or leave it so: never a blank." : reason.startsWith("blank") ? "Write something that is always there." : "";

function Value({ name, template, traced }: { name: string; template: string; traced: Traced }) {
  return (
    <li data-key={name}>
      <span class="key">{name}</span>
      {traced.error && <Mistakes of={[traced.error.message]} />}
      {!traced.error && traced.text === null && <span class="none">No text: {traced.reason}</span>}
      {traced.text !== null && (
        <span class="text" dir="auto">
          {parts(template, traced).map((part, at) => (part.variable ? <mark key={at} class={`of-${part.variable.origin}`} title={`${part.variable.name}: ${said[part.variable.origin]}`}>{part.text}</mark> : part.text))}
        </span>
      )}
      {traced.variables.length > 0 && <span class="variables">{traced.variables.map((variable) => <Chip key={variable.name} variable={variable} />)}</span>}
    </li>
  );
}

function Chip({ variable }: { variable: Variable }) {
  const missing = variable.origin === "missing";
  const value = shown(variable.value);
  return (
    <span class={`variable of-${variable.origin}`} title={said[variable.origin]}>
      {variable.name}<b>{missing ? "missing" : variable.origin === "default" ? `default: ${cut(value)}` : cut(value)}</b>
    </span>
  );
}

const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

function AsJson({ preview }: { preview: Shown }) {
  return (
    <div class="stack">
      <h3>The event on the bus</h3>
      <Code label="the event" text={JSON.stringify({ "detail-type": preview.detail_type, detail: preview.detail }, null, 2)} />
      <div class="row"><h3 class="grow">A rule that catches it</h3></div>
      <Code label="the event pattern" text={JSON.stringify(preview.pattern, null, 2)} />
      <p class="help">The pattern of an EventBridge rule on Holdfast's bus. <Copy text={JSON.stringify(preview.pattern)} label="Copy the event pattern on one line" /></p>
    </div>
  );
}
