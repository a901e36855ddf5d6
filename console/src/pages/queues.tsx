// The two queues of what could not be done: what is in them and why, and another try.

import { useState } from "preact/hooks";

import { type Me, post, type Queue, type QueueMessage, type QueueName } from "../api.js";
import { asApiError, useData } from "../data.js";
import { to } from "../router.js";
import { Icon } from "../ui/icons.js";
import { Code, Empty, Failed, many, Skeleton, Time, toast } from "../ui/parts.js";

const TOLD: Record<QueueName, { title: string; said: string; empty: string }> = {
  rejected: {
    title: "Rejected",
    said: "Records that could not be read as events, with the reason. Mend what sends them, or the campaign, then try again.",
    empty: "Every record that came in could be read.",
  },
  undelivered: {
    title: "Undelivered",
    said: "Messages that the bus did not take, whole, with the reason. Once that is mended, try again: they keep their ids.",
    empty: "The bus took every message.",
  },
};

export function Queues({ name, me }: { name: QueueName; me: Me }) {
  const { data, error, loading, reload } = useData<Queue>(`/queues/${name}`);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const messages = data?.messages ?? [];
  const picked = messages.filter((each) => chosen.has(each.id));
  const redrive = async (): Promise<void> => {
    setBusy(true);
    try {
      const done = await post<{ redriven: number; left: number }>(`/queues/${name}/redrive`, picked.length ? { ids: picked.map((each) => each.id) } : {});
      toast(`${many(done.redriven, "message", "messages")} sent on their way again; ${done.left} left.`);
      setChosen(new Set());
    } catch (reason) {
      toast(asApiError(reason).message, "warning");
    } finally {
      setBusy(false);
      await reload();
    }
  };
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <main id="main" class="narrow">
      <div class="head">
        <div class="grow"><h1>Queues</h1><p>{TOLD[name].said}</p></div>
        <div class="row">
          <button type="button" class="button" onClick={() => void reload()} disabled={loading}><Icon name="redo" />Look again</button>
          {me.may_edit && messages.length > 0 && <button type="button" class="button primary" disabled={busy} onClick={redrive}>{busy ? "Trying…" : picked.length ? `Try ${picked.length} again` : "Try all again"}</button>}
        </div>
      </div>
      <nav class="tabs" aria-label="Queues">
        {(["rejected", "undelivered"] as const).map((each) => <a key={each} href={to("queues", each)} aria-current={each === name ? "page" : undefined}>{TOLD[each].title}</a>)}
      </nav>
      <br />
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Skeleton height="5rem" count={3} />}
      {data && messages.length === 0 && <section class="card"><Empty icon="check" title="Nothing here"><p>{TOLD[name].empty}</p></Empty></section>}
      {messages.length > 0 && (
        <section class="card" aria-label={TOLD[name].title}>
          <ul class="list">{messages.map((each) => <Message key={each.id} of={each} selectable={me.may_edit} chosen={chosen.has(each.id)} toggle={() => toggle(each.id)} />)}</ul>
        </section>
      )}
      {data && data.approximate_total > messages.length && <p class="help">{many(data.approximate_total, "message", "messages")} in all, about; these are the first.</p>}
    </main>
  );
}

function Message({ of, selectable, chosen, toggle }: { of: QueueMessage; selectable: boolean; chosen: boolean; toggle: () => void }) {
  return (
    <li>
      <div class="row">
        {selectable && <input type="checkbox" class="check" checked={chosen} onChange={toggle} aria-label={`Choose: ${of.reason}`} />}
        <b class="grow">{of.reason}</b>
        {of.campaigns.map((campaign) => <a class="pill plain" key={campaign} href={to("campaigns", campaign)}>{campaign}</a>)}
        <span class="quiet small"><Time at={of.at} /></span>
      </div>
      <details>
        <summary>What it is</summary>
        <Code label="the record" text={typeof of.record === "string" ? of.record : JSON.stringify(of.record, null, 2)} />
      </details>
    </li>
  );
}
