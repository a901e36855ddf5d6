// Publishing: what will change and for whom, then one button; and what to do where somebody else was first.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { type ApiError, type Change, type Diff, get, type Preview, type Published, post } from "../api.js";
import { asApiError } from "../data.js";
import type { Draft } from "../draft/kept.js";
import type { Form } from "../draft/text.js";
import { go, to } from "../router.js";
import { Changes, Effects } from "../ui/difference.js";
import { Dialog, Failed, Mistakes, Note, Notice, Skeleton } from "../ui/parts.js";
import { words } from "../words.js";

type PublishProps = {
  id: string;
  form: Form;
  draft: Draft;
  preview: Preview | null;
  close: () => void;
  published: (revision: number) => void;
  take: (theirs: Published) => void;
  chooseId: () => void;
};

type Theirs = { live: Published; changes: Change[] };

export function Publish({ id, form, draft, preview, close, published, take, chooseId }: PublishProps) {
  const [seen, setSeen] = useState(draft.seen);
  const [diff, setDiff] = useState<Diff | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [note, setNote] = useState("");
  const [theirs, setTheirs] = useState<Theirs | null>(null);
  const fail = useCallback((reason: unknown): void => setError(asApiError(reason)), []);
  const compare = useCallback((): void => {
    setDiff(null);
    setError(null);
    post<Diff>("/diff", { source: draft.source }).then(setDiff, fail);
  }, [draft.source, fail]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: compared anew once theirs was looked at
  useEffect(compare, [compare, seen]);

  const isNew = draft.seen === 0;
  const lost = useCallback(
    async (): Promise<void> => setTheirs(await readTheirs(id, isNew ? "" : draft.base)),
    [id, isNew, draft.base],
  );
  // A race that is lost already need not be run.
  useEffect(() => {
    if (diff && diff.live !== seen) lost().catch(fail);
  }, [diff, seen, lost, fail]);
  const broken = diff?.breaking ?? []; // whoever publishes has it before their eyes
  const publish = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const body = {
        source: draft.source,
        seen_revision: seen,
        ...(note.trim() ? { note: note.trim() } : {}),
        force: broken.length > 0,
      };
      const { revision } = await post<{ revision: number }>(`/campaigns/${encodeURIComponent(id)}/publish`, body);
      published(revision);
    } catch (reason) {
      if (asApiError(reason).code === "conflict") await lost().catch(fail);
      else fail(reason);
    } finally {
      setBusy(false);
    }
  };
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (diff) button.current?.focus();
  }, [diff]);

  if (theirs && isNew) return <Taken id={id} owner={theirs.live} close={close} chooseId={chooseId} />;
  if (theirs) {
    const keep = (): void => {
      setSeen(theirs.live.revision);
      setDiff(null); // it was against what was live before
      setTheirs(null);
    };
    return <LostRace theirs={theirs} close={close} take={() => take(theirs.live)} keep={keep} />;
  }
  const footer = (
    <>
      <button type="button" class="button" onClick={close}>
        {words.publish.notYet}
      </button>
      <button type="button" ref={button} class="button primary" disabled={!diff || busy} onClick={publish}>
        {busy ? words.publish.publishing : words.publish.button((diff?.live ?? seen) + 1)}
      </button>
    </>
  );
  return (
    <Dialog title={isNew ? words.publish.titleNew : words.publish.title(form.name || id)} close={close} footer={footer}>
      {error && (error.code === "invalid" ? <Invalid error={error} /> : <Failed error={error} retry={compare} />)}
      {!diff && !error && <Skeleton height="5rem" count={2} />}
      {diff?.live === 0 && <NewCampaign id={id} form={form} preview={preview} />}
      {diff && diff.live > 0 && diff.changes.length === 0 && <p>{words.publish.same(diff.live)}</p>}
      {diff && diff.live > 0 && diff.changes.length > 0 && (
        <>
          <Effects diff={diff} />
          <Changes of={diff.changes} />
        </>
      )}
      <Breaking what={broken} />
      {diff && <Note value={note} set={setNote} />}
    </Dialog>
  );
}

/** What consumers of the messages rely on, and would not find any more. */
export function Breaking({ what }: { what: string[] }) {
  if (what.length === 0) return null;
  return (
    <div role="alert" class="wraps">
      <p>
        <b>{words.publish.breaking}</b>
      </p>
      <ul>
        {what.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </div>
  );
}

/** What a campaign that is new will do: the rule in words, and the message that the preview shows. */
function NewCampaign({ id, form, preview }: { id: string; form: Form; preview: Preview | null }) {
  const values = Object.entries(preview?.values ?? {}).filter(([, each]) => each.text !== null);
  const matched = form.constants.map((each) => each.name).filter(Boolean);
  return (
    <>
      <p class="wraps">
        <b>{words.publish.rule(id, form.name || id)}</b>
      </p>
      <ul class="rule wraps">
        <li>{words.publish.audience(form.did, form.any, form.did_not, form.within)}</li>
        <li>{words.publish.constant(matched)}</li>
        <li>{words.publish.onePer(form.one_per === "user")}</li>
      </ul>
      <h3>{words.publish.sampleTitle}</h3>
      {values.length === 0 && <p class="help">{words.publish.sampleNone}</p>}
      {values.length > 0 && (
        <dl class="sample wraps">
          {values.map(([key, { text }]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd dir="auto">{text}</dd>
            </div>
          ))}
        </dl>
      )}
      <p class="help">{words.publish.newAbout}</p>
    </>
  );
}

function Invalid({ error }: { error: ApiError }) {
  const mistakes = (error.body["mistakes"] ?? []) as { place?: string; message: string }[];
  const said = mistakes.map(({ place, message }) => words.form.elsewhere(place ?? "", message));
  return (
    <div class="stack">
      <p>{words.publish.invalid}</p>
      <Mistakes of={said.length ? said : [error.message]} />
    </div>
  );
}

/** What the others changed since `base`: the way from what is live to it, gone backwards. */
async function readTheirs(id: string, base: string): Promise<Theirs> {
  const live = await get<Published>(`/campaigns/${encodeURIComponent(id)}`);
  const back = base ? await post<Diff>("/diff", { source: base }).catch(() => null) : null;
  const changes = (back?.changes ?? []).map((change) => ({ ...change, before: change.after, after: change.before }));
  return { live, changes };
}

type LostProps = { theirs: Theirs; close: () => void; take: () => void; keep: () => void };

function LostRace({ theirs, close, take, keep }: LostProps) {
  const { live, changes } = theirs;
  const footer = (
    <>
      <button type="button" class="button" onClick={close}>
        {words.publish.later}
      </button>
      <button type="button" class="button" onClick={take}>
        {words.publish.take}
      </button>
      <button type="button" class="button primary" onClick={keep}>
        {words.publish.keep}
      </button>
    </>
  );
  return (
    <Dialog title={words.publish.raceTitle} close={close} footer={footer}>
      <Notice kind="warn">
        <span>{words.publish.race(live.revision, live.published_by ?? "")}</span>
      </Notice>
      {changes.length > 0 && (
        <>
          <h3>{words.publish.theirs}</h3>
          <Changes of={changes} />
        </>
      )}
      <p class="help">{words.publish.raceAbout}</p>
    </Dialog>
  );
}

type TakenProps = { id: string; owner: Published; close: () => void; chooseId: () => void };

/** A new campaign is never published over another one: there is no button for it. */
function Taken({ id, owner, close, chooseId }: TakenProps) {
  const name = typeof owner.campaign?.["name"] === "string" ? owner.campaign["name"] : owner.id;
  const footer = (
    <>
      <button
        type="button"
        class="button"
        onClick={() => {
          close();
          go(to("campaigns", owner.id));
        }}
      >
        {words.publish.openOwner}
      </button>
      <button type="button" class="button primary" onClick={chooseId}>
        {words.publish.otherId}
      </button>
    </>
  );
  return (
    <Dialog title={words.publish.takenTitle} close={close} footer={footer}>
      <Notice kind="warn">
        <span>{words.publish.taken(id, name)}</span>
      </Notice>
    </Dialog>
  );
}
