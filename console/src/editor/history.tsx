// Every revision, what each changed, and the way back: an old one becomes the next one.

import { useState } from "preact/hooks";

import { type Me, post, type Published } from "../api.js";
import { asApiError, forget, useData } from "../data.js";
import { TextChanges } from "../ui/difference.js";
import { Icon } from "../ui/icons.js";
import { Code, Dialog, Failed, Skeleton, Time, toast } from "../ui/parts.js";

export function History({ live, me, reload }: { live: Published; me: Me; reload: () => Promise<void> }) {
  const [open, setOpen] = useState<number | null>(null);
  const revisions = [...live.revisions].sort((a, b) => b.revision - a.revision);
  return (
    <section class="card" aria-label="Revisions">
      <ul class="list">
        {revisions.map(({ revision, published_at }) => (
          <li key={revision}>
            <div class="row">
              <b class="number">Revision {revision}</b>
              {revision === live.revision && <span class={`pill ${live.paused ? "warn" : "good"}`}>{live.paused ? "Paused" : "Live"}</span>}
              <span class="quiet grow"><Time at={published_at} /></span>
              <button type="button" class="button tiny" onClick={() => setOpen(revision)}><Icon name="history" />What it changed</button>
            </div>
          </li>
        ))}
      </ul>
      {open !== null && <Revision id={live.id} revision={open} live={live} me={me} close={() => setOpen(null)} reload={reload} />}
    </section>
  );
}

type RevisionProps = { id: string; revision: number; live: Published; me: Me; close: () => void; reload: () => Promise<void> };

function Revision({ id, revision, live, me, close, reload }: RevisionProps) {
  const path = (number: number): string => `/campaigns/${encodeURIComponent(id)}?revision=${number}`;
  const it = useData<Published>(path(revision));
  const before = useData<Published>(revision > 1 ? path(revision - 1) : null);
  const rollBack = async (): Promise<void> => {
    try {
      const done = await post<{ revision: number }>(`/campaigns/${encodeURIComponent(id)}/rollback`, { to: revision, seen_revision: live.revision });
      forget("/campaigns");
      toast(`Revision ${done.revision} is live, and says what revision ${revision} said.`);
      close();
      await reload();
    } catch (error) {
      toast(asApiError(error).message, "warning");
    }
  };
  const footer = me.may_edit && revision !== live.revision ? (
    <><button type="button" class="button" onClick={close}>Close</button><button type="button" class="button primary" onClick={rollBack}>Roll back to revision {revision}</button></>
  ) : null;
  return (
    <Dialog title={`Revision ${revision}`} close={close} footer={footer}>
      {it.error && <Failed error={it.error} retry={it.reload} />}
      {!it.data && !it.error && <Skeleton height="12rem" />}
      {it.data && revision === 1 && <Code label="the first revision" text={it.data.source} />}
      {it.data && before.data && <TextChanges label="What changed" before={before.data.source} after={it.data.source} />}
    </Dialog>
  );
}
