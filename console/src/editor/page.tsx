// One campaign: writing it, its numbers, its history.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import { type ApiError, type Me, type Mistake, type Published, post, type Seen } from "../api.js";
import { asApiError, forget, useData } from "../data.js";
import * as drafts from "../draft.js";
import type { Read } from "../draft.js";
import { discard, type Draft, keep, kept } from "../kept.js";
import { go, to } from "../router.js";
import { Icon } from "../ui/icons.js";
import { Failed, Notice, Segmented, Skeleton, toast } from "../ui/parts.js";
import { History } from "./history.js";
import { type FormProps, Hold, type Said, What, Who } from "./form.js";
import { YamlField } from "./fields.js";
import { Numbers } from "./numbers.js";
import { type Subject, useCheck, usePreview, useSuggestions } from "./live.js";
import { Preview } from "./preview.js";
import { Publish, TestSend } from "./publish.js";
import { needs, sample } from "./sample.js";

type Props = { name: string; tab: string; me: Me };

export default function CampaignPage({ name, tab, me }: Props) {
  const isNew = name === "new";
  const loaded = useData<Published>(isNew ? null : `/campaigns/${encodeURIComponent(name)}`);
  if (isNew) return <Loaded name={name} tab="edit" me={me} live={null} reload={async () => undefined} />;
  if (!loaded.data) return loaded.error ? <Missing error={loaded.error} retry={loaded.reload} /> : <Loading />;
  return <Loaded key={name} name={name} tab={tab} me={me} live={loaded.data} reload={loaded.reload} />;
}

export function Loading() {
  return <main id="main"><Skeleton height="3.4rem" /><br /><Skeleton height="14rem" count={3} /></main>;
}

function Missing({ error, retry }: { error: ApiError; retry: () => void }) {
  return <main id="main" class="narrow"><Failed error={error} retry={error.status === 404 ? undefined : retry} /><br /><a href={to("campaigns")}>All campaigns</a></main>;
}

function Loaded({ name, tab, me, live, reload }: Props & { live: Published | null; reload: () => Promise<void> }) {
  const source = live?.source ?? drafts.NEW_CAMPAIGN;
  const [draft, setDraft] = useState<Draft>(() => kept(name) ?? { source, base: live ? source : "", seen: live?.revision ?? 0 });
  const changed = draft.source !== source;
  // What was not touched follows what is live.
  useEffect(() => {
    if (live && draft.source === draft.base && live.source !== draft.base) setDraft({ source: live.source, base: live.source, seen: live.revision });
    else if (live && draft.source === live.source && draft.seen !== live.revision) setDraft({ source: live.source, base: live.source, seen: live.revision });
  }, [live]);
  useEffect(() => keep(name, draft), [draft]);
  const change = useCallback((next: string) => setDraft((before) => ({ ...before, source: next })), []);
  const reset = (): void => {
    discard(name);
    setDraft({ source, base: live ? source : "", seen: live?.revision ?? 0 });
    toast("What was not published is dropped.", "redo");
  };
  const title = live ? (drafts.read(draft.source).form?.name ?? name) : "New campaign";
  useEffect(() => void (document.title = `${title || name} · Holdfast`), [title]);

  const props = { name, me, live, draft, change, changed, reset, reload, setDraft };
  const at = live && (tab === "numbers" || tab === "history") ? tab : "edit";
  return <Editing {...props} tab={at} />;
}

type EditingProps = {
  name: string; tab: string; me: Me; live: Published | null; draft: Draft; change: (source: string) => void; changed: boolean;
  reset: () => void; reload: () => Promise<void>; setDraft: (draft: Draft) => void;
};

function Editing({ name, tab, me, live, draft, change, changed, reset, reload, setDraft }: EditingProps) {
  const readOnly = !me.may_edit;
  const seen = useData<Seen>("/seen").data;
  const read: Read = useMemo(() => drafts.read(draft.source), [draft.source]);
  const good = useRef(read);
  if (read.form) good.current = read;
  const form = (read.form ?? good.current.form)!;
  const [view, setView] = useState<"form" | "yaml">(read.form ? "form" : "yaml");
  const [dialog, setDialog] = useState<"publish" | "test" | null>(null);
  const [tried, setTried] = useState(false);
  const [subject, setSubject] = useSubject(name);

  const check = useCheck(draft.source);
  const suggestions = useSuggestions(read.data);
  const [more, setMore] = useState<string[]>([]);
  const wanted = useMemo(() => (form ? needs(form, seen, more) : []), [form, seen, more]);
  const shownTo = form ? sample(form, subject, wanted) : null;
  const preview = usePreview(read.form ? draft.source : null, shownTo);
  useEffect(() => {
    // What is named in a way that only the real parser sees through.
    const names = Object.values(preview.data?.values ?? {}).flatMap((each) => each.variables.map((variable) => `{{ ${variable.name} }}`));
    setMore((before) => (JSON.stringify(before) === JSON.stringify(names) ? before : names));
  }, [preview.data]);

  const mistakes = useMemo(() => (check.data?.mistakes ?? []).filter((each) => tried || live !== null || !isBlank(read, each)), [check.data, tried, read]);
  const mistaken: Said = (...path) => at(mistakes, path).filter((each) => !(each.path[1] === "values" && each.path.length === 3 && each.template_line)).map((each) => each.message);
  const hinted: Said = (...path) => at(check.data?.hints ?? [], path).map((each) => each.message);

  const [publishing, setPublishing] = useState(false);
  const publish = (): void => {
    setTried(true);
    setPublishing(true);
  };
  // As soon as what was written last is checked.
  useEffect(() => {
    if (!publishing || check.stale) return;
    setPublishing(false);
    const { mistakes: all = [] } = check.data ?? {};
    if (check.error) toast(check.error.message, "warning");
    else if (all.length) toast(`${all.length === 1 ? "One thing is" : `${all.length} things are`} still to be mended: ${all[0]?.message ?? ""}`, "warning");
    else setDialog("publish");
  }, [publishing, check]);
  const published = (revision: number): void => {
    const id = form.id;
    discard(name);
    setDialog(null);
    forget("/campaigns");
    toast(`Revision ${revision} of ${form.name || id} is live.`);
    setDraft({ source: draft.source, base: draft.source, seen: revision });
    if (!live) {
      discard("new");
      go(to("campaigns", id));
    } else void reload();
  };
  const take = (theirs: Published): void => {
    discard(name);
    setDraft({ source: theirs.source, base: theirs.source, seen: theirs.revision });
    setDialog(null);
    void reload();
    toast(`This is revision ${theirs.revision} now.`);
  };
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || readOnly || dialog) return;
      if (event.key === "s" || event.key === "Enter") {
        event.preventDefault();
        publish();
      }
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  });

  const formProps: FormProps = { form, source: draft.source, change, seen, suggestions, mistakes, mistaken, hinted, readOnly: readOnly || !read.form };
  return (
    <main id="main">
      <div class="head">
        <div class="titles">
          <span class="crumbs"><a href={to("campaigns")}>Campaigns</a> /</span>
          <h1 class="unseen">{form?.name || name}</h1>
          {form && <input class="title-input" aria-label="Name of the campaign" value={form.name} placeholder="A name" disabled={formProps.readOnly} onInput={(event) => change(drafts.setText(draft.source, ["name"], event.currentTarget.value, { optional: true }))} />}
          <div class="row small">
            {live ? <code class="quiet">{name}</code> : <input class="id-input" aria-label="Id of the campaign" value={form?.id ?? ""} disabled={formProps.readOnly} onInput={(event) => change(drafts.setText(draft.source, ["id"], event.currentTarget.value.toLowerCase().replace(/[^a-z0-9-]/g, "-")))} />}
            <Status live={live} changed={changed} />
            {mistaken("id").map((message) => <span class="mistake" key={message}>{message}</span>)}
          </div>
        </div>
        <div class="row">
          {changed && !readOnly && live && <button type="button" class="button plain" onClick={reset}>Discard</button>}
          {!readOnly && live && <Pause live={live} reload={reload} />}
          {!readOnly && <button type="button" class="button" onClick={() => setDialog("test")}><Icon name="send" />Test send</button>}
          {!readOnly && <button type="button" class="button primary" title="Ctrl + S" onClick={publish}>Publish…</button>}
          {readOnly && <span class="pill plain" title="Changing campaigns takes the group “editor”.">View only</span>}
        </div>
      </div>
      {live && <Tabs name={name} tab={tab} />}
      <br />
      {live && draft.seen !== live.revision && changed && (
        <><Notice kind="warn"><span class="grow">Revision {live.revision} was published since you began from revision {draft.seen}. Publishing shows what is different.</span></Notice><br /></>
      )}
      {tab === "numbers" && <Numbers id={name} />}
      {tab === "history" && live && <History live={live} me={me} reload={reload} />}
      {tab === "edit" && (
        <>
          <div class="row">
            <Segmented label="Edit as" value={view} options={[["form", "Form"], ["yaml", "YAML"]]} set={setView} />
            <span class="help grow"><span class="same-thing">Page and file are the same thing.</span></span>
            <button type="button" class="button plain" onClick={() => download(`${form?.id || name}.yaml`, draft.source)}><Icon name="download" />Download</button>
          </div>
          <br />
          <div class="edit">
            <div class="stack">
              {read.wrong && view === "form" && <Notice kind="bad"><span class="grow">Line {read.wrong.line} of the YAML cannot be read: {read.wrong.message}. The form waits until it can.</span><button type="button" class="button tiny" onClick={() => setView("yaml")}>Show it</button></Notice>}
              {view === "form" && form ? (
                <>
                  <Who {...formProps} /><Hold {...formProps} /><What {...formProps} />
                  {elsewhere(mistakes).map((each) => <Notice kind="bad" key={each.message}><span>{each.path.join(".")}: {each.message}</span></Notice>)}
                </>
              ) : (
                <>
                  <YamlField text={draft.source} set={change} readOnly={readOnly} problems={read.wrong ? [read.wrong] : mistakes.map((each) => ({ message: each.message, line: each.line, column: each.column }))} />
                  {read.wrong && <p class="mistake"><Icon name="warning" />Line {read.wrong.line}: {read.wrong.message}</p>}
                  {!read.wrong && mistakes.map((each) => <p class="mistake" key={each.message}><Icon name="warning" />Line {each.line}: {each.place ? `${each.place}: ` : ""}{each.message}</p>)}
                </>
              )}
            </div>
            {form && <aside aria-label="Preview"><Preview form={form} answer={preview} subject={subject} setSubject={setSubject} wanted={wanted} /></aside>}
          </div>
        </>
      )}
      {dialog === "publish" && <Publish id={form.id} draft={draft} close={() => setDialog(null)} published={published} take={take} />}
      {dialog === "test" && <TestSend id={form.id} source={draft.source} sample={shownTo} pattern={preview.data?.pattern} close={() => setDialog(null)} />}
    </main>
  );
}

function at<T extends { path: (string | number)[] }>(all: T[], path: (string | number)[]): T[] {
  const under = path[0] === "when" && path.length === 2 && path[1] !== "where" ? path.length : 0;
  return all.filter((each) => (under ? path.every((step, n) => each.path[n] === step) : each.path.join(".") === path.join(".")));
}

/** A mistake about what was not written yet: a person who has just begun knows. */
function isBlank(read: Read, mistake: Mistake): boolean {
  let value: unknown = read.data;
  for (const step of mistake.path) {
    if (Array.isArray(value) || (typeof value === "object" && value !== null)) value = (value as Record<string | number, unknown>)[step] ?? (step === 0 ? value : undefined);
    else value = undefined;
  }
  return value === undefined || value === null || value === "" || (typeof value === "object" && Object.values(value as object).every((each) => each === "" || each === null));
}

const SHOWN = new Set(["when", "constant", "send", "id"]);
const elsewhere = (mistakes: Mistake[]): Mistake[] => mistakes.filter((each) => !SHOWN.has(String(each.path[0])));

function useSubject(name: string): [Subject, (subject: Subject) => void] {
  const known = subjects.get(name);
  const [subject, set] = useState<Subject>(known ?? { kind: "made-up", user: "", values: {} });
  return [subject, (next) => (subjects.set(name, next), set(next))];
}
const subjects = new Map<string, Subject>();

function Status({ live, changed }: { live: Published | null; changed: boolean }) {
  return (
    <>
      {live ? <span class={`pill ${live.paused ? "warn" : "good"}`}>{live.paused ? "Paused" : "Live"} · revision {live.revision}</span> : <span class="pill">Not published</span>}
      {changed && live && <span class="pill info">Changes not published</span>}
    </>
  );
}

function Tabs({ name, tab }: { name: string; tab: string }) {
  const all = [["edit", "Campaign"], ["numbers", "Numbers"], ["history", "History"]] as const;
  return (
    <nav class="tabs" aria-label="Parts of the campaign">
      {all.map(([each, said]) => <a key={each} href={each === "edit" ? to("campaigns", name) : to("campaigns", name, each)} aria-current={each === tab ? "page" : undefined}>{said}</a>)}
    </nav>
  );
}

function Pause({ live, reload }: { live: Published; reload: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const verb = live.paused ? "resume" : "pause";
  const toggle = async (): Promise<void> => {
    setBusy(true);
    try {
      await post(`/campaigns/${encodeURIComponent(live.id)}/${verb}`, { seen_revision: live.revision });
      forget("/campaigns");
      toast(live.paused ? "Resumed: what falls due is sent again." : "Paused: what falls due is withheld, with that reason.");
    } catch (error) {
      toast(asApiError(error).message, "warning");
    } finally {
      setBusy(false);
      await reload();
    }
  };
  return <button type="button" class="button" disabled={busy} onClick={toggle}><Icon name={live.paused ? "play" : "pause"} />{live.paused ? "Resume" : "Pause"}</button>;
}

function download(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
