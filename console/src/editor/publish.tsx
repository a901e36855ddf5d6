// Publishing: what will change and for whom, then one button; and what to do where somebody else was first.

import { useEffect, useRef, useState } from "preact/hooks";

import { type ApiError, type Change, type Diff, get, post, type Published } from "../api.js";
import { asApiError } from "../data.js";
import type { Draft } from "../kept.js";
import { Changes, Effects } from "../ui/difference.js";
import { Code, Dialog, Failed, Mistakes, Notice, Skeleton } from "../ui/parts.js";
import type { Sample } from "./live.js";

type PublishProps = { id: string; draft: Draft; close: () => void; published: (revision: number) => void; take: (theirs: Published) => void };

export function Publish({ id, draft, close, published, take }: PublishProps) {
  const [seen, setSeen] = useState(draft.seen);
  const [diff, setDiff] = useState<Diff | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [theirs, setTheirs] = useState<Theirs | null>(null);
  const [again, setAgain] = useState(0);
  useEffect(() => {
    setDiff(null);
    setError(null);
    post<Diff>("/diff", { source: draft.source }).then(setDiff, (reason: unknown) => setError(asApiError(reason)));
  }, [seen, again]);

  const lost = async (): Promise<void> => setTheirs(await readTheirs(id, draft.base));
  const publish = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const { revision } = await post<{ revision: number }>(`/campaigns/${encodeURIComponent(id)}/publish`, { source: draft.source, seen_revision: seen });
      published(revision);
    } catch (reason) {
      const refused = asApiError(reason);
      if (refused.status === 409) await lost().catch((failed: unknown) => setError(asApiError(failed)));
      else setError(refused);
    } finally {
      setBusy(false);
    }
  };
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), [diff]);
  // A race that is lost already need not be run.
  useEffect(() => {
    if (diff && diff.live !== seen && !theirs) void lost().catch((failed: unknown) => setError(asApiError(failed)));
  }, [diff]);

  if (theirs) {
    const keep = (): void => {
      setSeen(theirs.live.revision);
      setTheirs(null);
    };
    return <LostRace theirs={theirs} close={close} take={() => take(theirs.live)} keep={keep} />;
  }
  const fresh = diff?.live === 0;
  const footer = (
    <>
      <button type="button" class="button" onClick={close}>Not yet</button>
      <button type="button" ref={button} class="button primary" disabled={!diff || busy} onClick={publish}>
        {busy ? "Publishing…" : `Publish revision ${(diff?.live ?? seen) + 1}`}
      </button>
    </>
  );
  return (
    <Dialog title={fresh ? "Publish this campaign" : "Publish these changes"} close={close} footer={footer}>
      {error && (error.code === "invalid" ? <Invalid error={error} /> : <Failed error={error} retry={diff ? undefined : () => setAgain((n) => n + 1)} />)}
      {!diff && !error && <Skeleton height="5rem" count={2} />}
      {diff && fresh && <p>It is new: from the next minute on, events that match open a watch, and messages go on the bus. Nobody is waited for yet.</p>}
      {diff && !fresh && diff.changes.length === 0 && <p>Nothing changes against revision {diff.live}, which is live, but how the file is written.</p>}
      {diff && !fresh && diff.changes.length > 0 && (
        <>
          <Effects diff={diff} />
          <Changes of={diff.changes} />
        </>
      )}
    </Dialog>
  );
}

function Invalid({ error }: { error: ApiError }) {
  const mistakes = (error.body["mistakes"] ?? []) as { place?: string; message: string }[];
  return (
    <div class="stack">
      <p>It cannot be published yet:</p>
      {mistakes.length ? <Mistakes of={mistakes.map(({ place, message }) => (place ? `${place}: ${message}` : message))} /> : <Mistakes of={[error.message]} />}
    </div>
  );
}

type Theirs = { live: Published; changes: Change[] };

/** What the others changed since `base`: the way from what is live to it, gone backwards. */
async function readTheirs(id: string, base: string): Promise<Theirs> {
  const live = await get<Published>(`/campaigns/${encodeURIComponent(id)}`);
  const back = base ? await post<Diff>("/diff", { source: base }).catch(() => null) : null;
  return { live, changes: (back?.changes ?? []).map((change) => ({ ...change, before: change.after, after: change.before })) };
}

function LostRace({ theirs, close, take, keep }: { theirs: Theirs; close: () => void; take: () => void; keep: () => void }) {
  const footer = (
    <>
      <button type="button" class="button" onClick={close}>Decide later</button>
      <button type="button" class="button" onClick={take}>Take theirs, drop mine</button>
      <button type="button" class="button primary" autofocus onClick={keep}>Keep mine, and review</button>
    </>
  );
  return (
    <Dialog title="Somebody else was first" close={close} footer={footer}>
      <Notice kind="warn"><span>Revision {theirs.live.revision} was published while you were editing. Nothing of yours is lost, and nothing of theirs was overwritten.</span></Notice>
      {theirs.changes.length > 0 && <><h3>What they changed</h3><Changes of={theirs.changes} /></>}
      <p class="help">If you keep yours, you see next what it changes against theirs, and then decide.</p>
    </Dialog>
  );
}

type TestProps = { id: string; source: string; sample: Sample | null; pattern: unknown; close: () => void };

export function TestSend({ id, source, sample, pattern, close }: TestProps) {
  const [error, setError] = useState<ApiError | null>(null);
  const [sent, setSent] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      setSent(await post<unknown>(`/campaigns/${encodeURIComponent(id)}/test-send`, { source, ...sample }));
    } catch (reason) {
      setError(asApiError(reason));
    } finally {
      setBusy(false);
    }
  };
  const footer = (
    <>
      <button type="button" class="button" onClick={close}>{sent ? "Done" : "Not now"}</button>
      <button type="button" class="button primary" autofocus disabled={!sample || busy} onClick={send}>{busy ? "Sending…" : sent ? "Send once more" : "Send the test"}</button>
    </>
  );
  return (
    <Dialog title="Send a test" close={close} footer={footer}>
      <p>Puts what the preview shows on the real bus, once, marked as a test: its detail type ends in “Test” and it has <code>metadata.test</code>, so the rules of real messages do not catch it.</p>
      {!sample && <Notice kind="warn"><span>The preview shows nobody yet. Choose a user there first.</span></Notice>}
      {sample && <p>User: <b>{sample.user}</b></p>}
      {error && <Failed error={error} />}
      {sent !== null && <Notice kind="good"><span>It is on the bus. A rule with this pattern catches tests:</span></Notice>}
      {sent !== null && <Code label="the pattern for tests" text={JSON.stringify(testPattern(pattern), null, 2)} />}
    </Dialog>
  );
}

function testPattern(pattern: unknown): unknown {
  const copy = structuredClone(pattern ?? {}) as Record<string, unknown>;
  const types = copy["detail-type"];
  if (Array.isArray(types)) copy["detail-type"] = types.map((type) => `${String(type)} Test`);
  return copy;
}
