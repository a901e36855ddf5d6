// Every revision, what each changed, who published it, and the way back: an old one becomes the next one.

import { useState } from "preact/hooks";

import { type Me, post, type RevisionRow } from "../api.js";
import { asApiError, useData } from "../data.js";
import { TextChanges } from "../ui/difference.js";
import { Icon } from "../ui/icons.js";
import { Code, Dialog, Failed, Note, Skeleton, Time, toast } from "../ui/parts.js";
import { words } from "../words.js";
import { Breaking } from "./publish.js";

type Props = {
  /** Of the campaign, or of the policy, in the API. */
  path: string;
  live: { revision: number; revisions: RevisionRow[]; paused: boolean };
  me: Me;
  reload: () => Promise<void>;
  /** An old revision has become the next one. */
  changed: () => void;
};

export function History(props: Props) {
  const { live } = props;
  const [open, setOpen] = useState<number | null>(null);
  const revisions = [...live.revisions].sort((a, b) => b.revision - a.revision);
  return (
    <section class="card" aria-label={words.history.revisions}>
      <ul class="list">
        {revisions.map(({ revision, published_at, published_by, note }) => (
          <li key={revision}>
            <div class="row">
              <b class="number">{words.history.revision(revision)}</b>
              {revision === live.revision && (
                <span class={`pill ${live.paused ? "warn" : "good"}`}>
                  {live.paused ? words.history.paused : words.history.live}
                </span>
              )}
              <span class="quiet grow wraps">
                <Time at={published_at} /> {published_by && words.history.by(published_by)}
              </span>
              <button type="button" class="button tiny" onClick={() => setOpen(revision)}>
                <Icon name="history" />
                {words.history.what}
              </button>
            </div>
            {note && (
              <p class="wraps note" dir="auto">
                {note}
              </p>
            )}
          </li>
        ))}
      </ul>
      {open !== null && <Revision {...props} revision={open} close={() => setOpen(null)} />}
    </section>
  );
}

type RevisionProps = Props & { revision: number; close: () => void };

function Revision({ path: of, revision, live, me, close, reload, changed }: RevisionProps) {
  const path = (number: number): string => `${of}?revision=${number}`;
  const it = useData<{ source: string | null }>(path(revision));
  const before = useData<{ source: string | null }>(revision > 1 ? path(revision - 1) : null);
  const error = it.error ?? before.error;
  const shown = it.data !== null && (revision === 1 || before.data !== null);
  const retry = (): void => void Promise.all([it.reload(), before.reload()]);
  const [note, setNote] = useState("");
  const [broken, setBroken] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const rollBack = async (): Promise<void> => {
    setBusy(true);
    try {
      const done = await post<{ revision: number }>(`${of}/rollback`, {
        to: revision,
        seen_revision: live.revision,
        ...(note.trim() ? { note: note.trim() } : {}),
        force: broken.length > 0,
      });
      toast(words.history.rolled(done.revision, revision));
      close();
    } catch (reason) {
      const error = asApiError(reason);
      if (error.code === "breaking") {
        setBroken((error.body["breaking"] as string[] | undefined) ?? [error.message]);
        return; // to be seen, and confirmed by the same button
      }
      toast(error.message, { icon: "warning" });
    } finally {
      setBusy(false);
    }
    changed();
    await reload();
  };
  const offered = me.may_edit && revision !== live.revision;
  const footer = offered ? (
    <>
      <button type="button" class="button" onClick={close}>
        {words.history.close}
      </button>
      <button type="button" class="button primary" disabled={!shown || busy} onClick={rollBack}>
        {busy ? words.queues.working : words.history.back(revision)}
      </button>
    </>
  ) : null;
  return (
    <Dialog title={words.history.revision(revision)} close={close} footer={footer}>
      {!shown && (error ? <Failed error={error} retry={retry} /> : <Skeleton height="12rem" />)}
      {it.data && revision === 1 && <Code label={words.history.first} text={it.data.source ?? ""} />}
      {it.data && before.data && (
        <TextChanges label={words.difference.what} before={before.data.source ?? ""} after={it.data.source ?? ""} />
      )}
      <Breaking what={broken} />
      {offered && <Note value={note} set={setNote} />}
    </Dialog>
  );
}
