// The two queues of what could not be done, by reason: what is in them, another try, and an end of it.

import { useEffect, useState } from "preact/hooks";

import {
  type Counts,
  type Me,
  post,
  type Queue as Queued,
  type QueueGroup,
  type QueueMessage,
  type QueueName,
} from "../api.js";
import { asApiError, forget, useData } from "../data.js";
import { to } from "../router.js";
import { Icon } from "../ui/icons.js";
import { Code, Confirm, Empty, Failed, number, Search, Skeleton, Time, toast } from "../ui/parts.js";
import { words } from "../words.js";

type Deed = "redrive" | "discard";
type Asked = { deed: Deed; groups: string[]; count: number };

export function Queues({ name, me }: { name: QueueName; me: Me }) {
  const [typed, type] = useState("");
  const query = useSettled(typed.trim(), 300);
  const path = `/queues/${name}${query ? `?${new URLSearchParams({ search: query })}` : ""}`;
  const { data, error, loading, reload } = useData<Queued>(path);
  const counts = useData<Counts>("/queues", { live: true }).data;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, ask] = useState<Asked | null>(null);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const groups = data?.groups ?? [];
  const picked = groups.filter((each) => chosen.has(each.group));
  const count = picked.reduce((sum, each) => sum + each.count, 0);

  const act = async ({ deed, groups: wanted }: Asked): Promise<void> => {
    setBusy(true);
    try {
      const body = { groups: wanted, search: query, ...(note.trim() ? { note: note.trim() } : {}) };
      toast(await done(name, deed, body));
      setChosen(new Set());
    } catch (reason) {
      toast(asApiError(reason).message, { icon: "warning" });
    } finally {
      setBusy(false);
      ask(null);
      setNote("");
      forget("/queues");
      await reload();
    }
  };
  const toggle = (group: string): void => {
    const next = new Set(chosen);
    if (!next.delete(group)) next.add(group);
    setChosen(next);
  };
  const of = picked.length ? picked : groups;
  const sum = picked.length ? count : groups.reduce((all, each) => all + each.count, 0);
  const begin = (deed: Deed): void => ask({ deed, groups: of.map((each) => each.group), count: sum });
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <div class="head">
        <div class="grow">
          <h1 tabIndex={-1}>{words.queues.title}</h1>
          <p>{words.queues.about[name]}</p>
        </div>
        <div class="row">
          <button type="button" class="button" onClick={() => void reload()} disabled={loading}>
            <Icon name="redo" />
            {words.queues.refresh}
          </button>
          {me.may_edit && groups.length > 0 && (
            <>
              <button
                type="button"
                class="button danger"
                disabled={busy || !picked.length}
                onClick={() => begin("discard")}
              >
                {words.queues.discard(picked.length ? count : 0)}
              </button>
              <button type="button" class="button primary" disabled={busy} onClick={() => begin("redrive")}>
                {picked.length ? words.queues.retry(count) : words.queues.retryAll}
              </button>
            </>
          )}
        </div>
      </div>
      <nav class="tabs" aria-label={words.queues.title}>
        {(["rejected", "undelivered"] as const).map((each) => (
          <a key={each} href={to("queues", each)} aria-current={each === name ? "page" : undefined}>
            {words.queues.names[each]}
            {counts && counts[each] > 0 && <span class="count">{number(counts[each])}</span>}
          </a>
        ))}
      </nav>
      <div class="stack wide">
        {(typed || groups.length > 0) && <Search label={words.queues.search} value={typed} set={type} />}
        {error && <Failed error={error} retry={reload} />}
        {!data && !error && <Skeleton height="5rem" count={3} />}
        {data && groups.length === 0 && (
          <section class="card">
            <Empty icon={query ? "search" : "check"} title={words.queues.nothing}>
              <p>{query ? words.queues.noneFound : words.queues.empty[name]}</p>
            </Empty>
          </section>
        )}
        {groups.length > 0 && (
          <section class="card" aria-label={words.queues.names[name]}>
            <ul class="list">
              {groups.map((each) => (
                <Group
                  key={each.group}
                  of={each}
                  selectable={me.may_edit}
                  chosen={chosen.has(each.group)}
                  toggle={() => toggle(each.group)}
                />
              ))}
            </ul>
          </section>
        )}
        {data && data.approximate_total > data.looked && (
          <p class="help">{words.queues.some(data.looked, data.approximate_total)}</p>
        )}
      </div>
      {asked && (
        <Confirm
          title={
            asked.deed === "redrive" ? words.queues.retryTitle(asked.count) : words.queues.discardTitle(asked.count)
          }
          about={asked.deed === "redrive" ? words.queues.retryAbout : words.queues.discardAbout}
          confirm={asked.deed === "redrive" ? words.queues.retry(asked.count) : words.queues.discard(asked.count)}
          danger={asked.deed === "discard"}
          busy={busy}
          note={{ value: note, set: setNote }}
          yes={() => void act(asked)}
          no={() => ask(null)}
        />
      )}
    </main>
  );
}

async function done(name: QueueName, deed: Deed, body: object): Promise<string> {
  if (deed === "discard") {
    const { discarded, left } = await post<{ discarded: number; left: number }>(`/queues/${name}/discard`, body);
    return words.queues.discarded(discarded, left);
  }
  type Redriven = { redriven: number; failed: Record<string, number>; left: number };
  const { redriven, failed, left } = await post<Redriven>(`/queues/${name}/redrive`, body);
  const reasons = Object.entries(failed).map(([reason, count]) => `${number(count)}: ${reason}`);
  return reasons.length ? words.queues.partly(reasons.join("; ")) : words.queues.retried(redriven, left);
}

/** What was typed, once no more is. */
function useSettled(value: string, ms: number): string {
  const [settled, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

type GroupProps = { of: QueueGroup; selectable: boolean; chosen: boolean; toggle: () => void };

function Group({ of, selectable, chosen, toggle }: GroupProps) {
  return (
    <li>
      <div class="row top-aligned">
        {selectable && (
          <input
            type="checkbox"
            class="check"
            checked={chosen}
            onChange={toggle}
            aria-label={`${words.queues.reason}: ${of.reason}`}
          />
        )}
        <div class="grow stack tight">
          <b class="wraps">{of.reason}</b>
          <span class="quiet small">
            {words.queues.count(of.count)}, {of.first === of.last ? "" : `${words.queues.between} `}
            <Time at={of.first} />
            {of.first !== of.last && (
              <>
                {" "}
                {words.queues.and} <Time at={of.last} />
              </>
            )}
          </span>
          {of.campaigns.length > 0 && (
            <span class="row">
              {of.campaigns.map((campaign) => (
                <a class="pill plain" key={campaign} href={to("campaigns", campaign)}>
                  <span class="cut">{campaign}</span>
                </a>
              ))}
            </span>
          )}
          <details>
            <summary>
              {of.messages.length > 1 ? words.queues.showMore(of.messages.length) : words.queues.showOne}
            </summary>
            <div class="stack">
              {of.messages.map((each) => (
                <Message key={each.id} of={each} />
              ))}
            </div>
          </details>
        </div>
      </div>
    </li>
  );
}

function Message({ of }: { of: QueueMessage }) {
  const text = typeof of.record === "string" ? of.record : JSON.stringify(of.record, null, 2);
  return (
    <div class="stack tight">
      <span class="quiet small wraps">
        <Time at={of.at} /> · {of.reason}
      </span>
      <Code label={words.queues.record} text={text} />
    </div>
  );
}
