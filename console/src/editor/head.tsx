// The top of a campaign: its name and id, how it stands, and what can be done with it.

import { useState } from "preact/hooks";

import { type CampaignRow, type Me, type Mistake, type Published, post, type Stats } from "../api.js";
import { asApiError, forget, useData } from "../data.js";
import { freshName, keep } from "../draft/kept.js";
import { at } from "../draft/mistakes.js";
import { named, withId } from "../draft/naming.js";
import { freeSlug } from "../draft/slug.js";
import { type Form, setText } from "../draft/text.js";
import { go, to } from "../router.js";
import { waiting } from "../ui/charts.js";
import { Icon } from "../ui/icons.js";
import { Confirm, Mistakes, toast } from "../ui/parts.js";
import { words } from "../words.js";
import type { Drafting } from "./use-draft.js";

type Props = {
  name: string;
  me: Me;
  live: Published | null;
  form: Form | null;
  drafting: Drafting;
  readOnly: boolean;
  mayEdit: boolean;
  mistakes: Mistake[];
  owner: CampaignRow | null;
  taken: CampaignRow[];
  reload: () => Promise<void>;
  publish: () => void;
  test: () => void;
};

export function Head(props: Props) {
  const { name, live, form, drafting, readOnly, mistakes, owner, taken, mayEdit } = props;
  const { changed, edit } = drafting;
  const ids = new Set(taken.map((each) => each.id));
  const rename = (to: string): void => edit((source) => named(source, to, ids, !live), "name");
  const identify = (id: string): void => edit((source) => withId(source, id), "id");
  return (
    <div class="head" data-edits>
      <div class="titles">
        <span class="crumbs">
          <a href={to("campaigns")}>{words.editor.campaigns}</a> /
        </span>
        <h1 class="unseen" tabIndex={-1}>
          {form?.name || name}
        </h1>
        {form && (
          <input
            class="title-input"
            dir="auto"
            aria-label={words.editor.name}
            value={form.name}
            placeholder={words.editor.namePlaceholder}
            disabled={readOnly}
            onInput={(event) => rename(event.currentTarget.value)}
          />
        )}
        <div class="row small" data-place="id">
          {live ? (
            <code class="quiet" title={words.editor.idFixed}>
              {name}
            </code>
          ) : (
            <input
              class="id-input"
              aria-label={words.editor.id}
              aria-invalid={at(mistakes, ["id"]).length > 0}
              aria-describedby="id-mistakes"
              value={form?.id ?? ""}
              disabled={readOnly}
              onInput={(event) => identify(event.currentTarget.value)}
            />
          )}
          <Status live={live} changed={changed} />
        </div>
        <Mistakes id="id-mistakes" of={at(mistakes, ["id"]).map((each) => each.message)} />
        {owner && <a href={to("campaigns", owner.id)}>{words.editor.openTaken}</a>}
      </div>
      {mayEdit ? (
        <Actions {...props} />
      ) : (
        <span class="pill plain" title={words.editor.viewOnlyWhy}>
          {words.editor.viewOnly}
        </span>
      )}
    </div>
  );
}

function Actions({ live, form, drafting, taken, reload, publish, test }: Props) {
  const { draft, changed, steps } = drafting;
  const duplicate = (): void => {
    const copy = freshName();
    const id = freeSlug(form?.id ?? "campaign", new Set(taken.map((each) => each.id)));
    keep(copy, { source: setText(draft.source, ["id"], id), base: "", seen: 0 });
    go(to("campaigns", "new", copy));
  };
  return (
    <div class="row">
      <button
        type="button"
        class="button plain icon"
        aria-label={words.editor.undo}
        title={`${words.editor.undo} (Ctrl Z)`}
        disabled={!steps.canUndo}
        onClick={steps.undo}
      >
        <Icon name="undo" />
      </button>
      <button
        type="button"
        class="button plain icon"
        aria-label={words.editor.redo}
        title={`${words.editor.redo} (Ctrl Y)`}
        disabled={!steps.canRedo}
        onClick={steps.redo}
      >
        <Icon name="redo" />
      </button>
      {changed && <Discard live={live} drafting={drafting} />}
      {live && form && (
        <button type="button" class="button" onClick={duplicate}>
          <Icon name="copy" />
          {words.editor.duplicate}
        </button>
      )}
      {live && <Pause live={live} reload={reload} />}
      {live && <Delete live={live} name={form?.name || live.id} changed={changed} />}
      <button type="button" class="button" onClick={test}>
        <Icon name="send" />
        {words.editor.test}
      </button>
      <button type="button" class="button primary" title="Ctrl S" onClick={publish}>
        {words.editor.publish}
      </button>
    </div>
  );
}

function Discard({ live, drafting }: { live: Published | null; drafting: Drafting }) {
  const [asked, ask] = useState(false);
  const discard = (): void => {
    ask(false);
    const back = drafting.reset();
    toast(words.editor.discarded, { icon: "undo", action: { label: words.editor.undo, do: back } });
  };
  return (
    <>
      <button type="button" class="button plain" onClick={() => ask(true)}>
        {words.editor.discard}
      </button>
      {asked && (
        <Confirm
          title={words.editor.discardTitle}
          about={live ? words.editor.discardAbout : words.editor.discardNew}
          confirm={words.editor.discard}
          danger
          yes={discard}
          no={() => ask(false)}
        />
      )}
    </>
  );
}

function Status({ live, changed }: { live: Published | null; changed: boolean }) {
  const paused = live?.paused ?? false;
  return (
    <>
      {live ? (
        <span class={`pill ${paused ? "warn" : "good"}`}>
          {paused ? words.editor.paused(live.revision) : words.editor.live(live.revision)}
        </span>
      ) : (
        <span class="pill">{words.editor.unpublished}</span>
      )}
      {changed && live && <span class="pill info">{words.editor.changed}</span>}
    </>
  );
}

function Pause({ live, reload }: { live: Published; reload: () => Promise<void> }) {
  const [asked, ask] = useState(false);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const toggle = async (): Promise<void> => {
    setBusy(true);
    const verb = live.paused ? "resume" : "pause";
    try {
      const body = { seen_revision: live.revision, ...(note.trim() ? { note: note.trim() } : {}) };
      await post(`/campaigns/${encodeURIComponent(live.id)}/${verb}`, body);
      toast(live.paused ? words.editor.resumedNow : words.editor.pausedNow);
    } catch (error) {
      toast(asApiError(error).message, { icon: "warning" });
    } finally {
      setBusy(false);
      ask(false);
      setNote("");
      forget("/campaigns");
      await reload();
    }
  };
  return (
    <>
      <button type="button" class="button" disabled={busy} onClick={() => (live.paused ? void toggle() : ask(true))}>
        <Icon name={live.paused ? "play" : "pause"} />
        {live.paused ? words.editor.resume : words.editor.pause}
      </button>
      {asked && (
        <Confirm
          title={words.editor.pauseTitle}
          about={words.editor.pauseAbout}
          confirm={words.editor.pause}
          busy={busy}
          note={{ value: note, set: setNote }}
          yes={() => void toggle()}
          no={() => ask(false)}
        />
      )}
    </>
  );
}

function Delete({ live, name, changed }: { live: Published; name: string; changed: boolean }) {
  const [asked, ask] = useState(false);
  return (
    <>
      <button
        type="button"
        class="button plain icon"
        aria-label={words.editor.delete}
        title={words.editor.delete}
        onClick={() => ask(true)}
      >
        <Icon name="trash" />
      </button>
      {asked && <Deleting live={live} name={name} changed={changed} close={() => ask(false)} />}
    </>
  );
}

type DeletingProps = { live: Published; name: string; changed: boolean; close: () => void };

function Deleting({ live, name, changed, close }: DeletingProps) {
  const { data, error } = useData<Stats>("/stats?days=14");
  const stats = data?.campaigns[live.id];
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const about = [
    stats ? words.editor.deleteWaiting(waiting(stats)) : "",
    words.editor.deleteAbout,
    changed ? words.editor.deleteDraft : "",
  ];
  const drop = async (): Promise<void> => {
    setBusy(true);
    try {
      const body = { seen_revision: live.revision, ...(note.trim() ? { note: note.trim() } : {}) };
      await post(`/campaigns/${encodeURIComponent(live.id)}/delete`, body);
      toast(words.editor.deleted(name));
      go(to("campaigns"));
    } catch (error) {
      toast(asApiError(error).message, { icon: "warning" });
    } finally {
      close();
      forget("/campaigns");
    }
  };
  return (
    <Confirm
      title={words.editor.deleteTitle(name)}
      about={about.filter(Boolean).join(" ")}
      confirm={words.editor.delete}
      danger
      busy={busy}
      ready={data !== null || error !== null}
      note={{ value: note, set: setNote }}
      yes={() => void drop()}
      no={close}
    />
  );
}
