// A campaign's days: what was sent, and why what was not.

import type { CampaignStats, Stats } from "../api.js";
import { useData } from "../data.js";
import { Bars, Figure, Legend, perDay, Shares, total, waiting } from "../ui/charts.js";
import { Empty, Failed, number, shown, Skeleton } from "../ui/parts.js";

export function Numbers({ id }: { id: string }) {
  const { data, error, reload } = useData<Stats>("/stats?days=14");
  if (!data) return error ? <Failed error={error} retry={reload} /> : <Skeleton height="11rem" count={2} />;
  const stats = data.campaigns[id];
  if (!stats) return <section class="card"><Empty icon="campaigns" title="No numbers yet"><p>As soon as messages are decided on, they are counted here by day.</p></Empty></section>;
  return <Days stats={stats} days={data.days} />;
}

function Days({ stats, days }: { stats: CampaignStats; days: string[] }) {
  const values = perDay(stats, days.length);
  const reasons = Object.entries(stats.withheld).map(([name, counts]) => ({ name, count: total(counts) })).filter((each) => each.count).sort((a, b) => b.count - a.count);
  return (
    <div class="stack">
      <section class="card" aria-label="In all">
        <div class="body first">
          <dl class="figures">
            <Figure name="waiting now" value={waiting(stats)} />
            {(["sent", "withheld", "retracted", "failed"] as const).map((kind) => <Figure key={kind} name={`${kind}, ${days.length} days`} value={number(total(values[kind]))} />)}
          </dl>
          <Bars stats={stats} days={days} label="By day" height={150} axis />
          <Legend />
        </div>
      </section>
      <div class="two">
        <section class="card"><header><h2>Why withheld</h2></header><div class="body">{reasons.length ? <Shares of={reasons} tone="warn" /> : <p class="help">Nothing was.</p>}</div></section>
        <section class="card"><header><h2>Most frequent values</h2></header><div class="body">{stats.top.length ? <Shares of={stats.top.map(({ value, count }) => ({ name: shown(value), count }))} /> : <p class="help">None yet.</p>}</div></section>
      </div>
    </div>
  );
}
