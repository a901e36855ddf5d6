// All campaigns at a glance.

import type { CampaignRow, CampaignStats, Me, Stats } from "../api.js";
import { useData } from "../data.js";
import { kept } from "../kept.js";
import { to } from "../router.js";
import { Bars, Figure, perDay, total, UNKNOWN, waiting } from "../ui/charts.js";
import { Icon } from "../ui/icons.js";
import { Empty, Failed, number, shown, Skeleton } from "../ui/parts.js";

export function Campaigns({ me }: { me: Me }) {
  const { data, error, reload } = useData<{ campaigns: CampaignRow[] }>("/campaigns");
  const stats = useData<Stats>("/stats?days=14");
  const rows = data?.campaigns ?? [];
  return (
    <main id="main">
      <div class="head">
        <div><h1>Campaigns</h1><p>Who is waited for, and what they were told in the last 14 days.</p></div>
        {me.may_edit && <div class="row"><a class="button primary" href={to("campaigns", "new")}><Icon name="plus" />New campaign</a></div>}
      </div>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Skeleton height="5.6rem" count={3} />}
      {data && rows.length === 0 && (
        <section class="card">
          <Empty icon="campaigns" title="No campaign yet">
            <p>A campaign says who started something and did not finish it – added this coat to the cart, was never charged for this coat – and what to tell them.</p>
            {me.may_edit && <a class="button primary" href={to("campaigns", "new")}><Icon name="plus" />Write the first one</a>}
          </Empty>
        </section>
      )}
      <ul class="campaigns">
        {rows.map((row) => <Campaign key={row.id} row={row} stats={stats.data ? (stats.data.campaigns[row.id] ?? NONE) : null} days={stats.data?.days ?? null} />)}
      </ul>
    </main>
  );
}

function Campaign({ row, stats, days }: { row: CampaignRow; stats: CampaignStats | null; days: string[] | null }) {
  const values = stats && days ? perDay(stats, days.length) : null;
  const figures: [string, string][] = [
    ["waiting", stats ? waiting(stats) : UNKNOWN],
    ["sent", values ? number(total(values.sent)) : UNKNOWN],
    ["withheld", values ? number(total(values.withheld)) : UNKNOWN],
    ["failed", values ? number(total(values.failed)) : UNKNOWN],
  ];
  return (
    <li class="card campaign">
      <div class="titles">
        <div class="row">
          <h2><a href={to("campaigns", row.id)}>{row.name || row.id}</a></h2>
          <span class={`pill ${row.paused ? "warn" : "good"}`}>{row.paused ? "Paused" : "Live"}</span>
          {kept(row.id) && <span class="pill info">Draft</span>}
        </div>
        <p class="quiet small cut">{told(row)}</p>
      </div>
      <div class="spark">{stats && days ? <Bars stats={stats} days={days} label={row.name || row.id} /> : null}</div>
      {figures.map(([name, value]) => <dl key={name}><Figure name={name} value={value} /></dl>)}
      <ul class="tops" aria-label="Most frequent values">
        {(stats?.top ?? []).slice(0, 3).map(({ value, count }) => <li key={shown(value)}><span class="cut">{shown(value)}</span><span class="quiet number">{number(count)}</span></li>)}
      </ul>
    </li>
  );
}

const NONE: CampaignStats = { waiting: 0, waiting_at_least: 0, sent: [], withheld: {}, retracted: [], failed: [], top: [] };

const told = (row: CampaignRow): string =>
  `did ${row.did.join(" and ")}${row.did_not.length ? `, did not ${row.did_not.join(" or ")} within ${row.within}` : ""}`;
