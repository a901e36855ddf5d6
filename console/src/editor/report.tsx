// A campaign's days: what was sent, and why what was not.

import { useState } from "preact/hooks";

import type { CampaignStats, Stats } from "../api.js";
import { useData } from "../data.js";
import { Bars, Figure, Legend, perDay, Shares, total, waiting } from "../ui/charts.js";
import { Empty, Failed, number, Segmented, Skeleton, shown } from "../ui/parts.js";
import { words } from "../words.js";

const RANGES = ["14", "30", "90"] as const;
type Range = (typeof RANGES)[number];

export function Report({ id }: { id: string }) {
  const [range, setRange] = useState<Range>("14");
  const { data, error, reload } = useData<Stats>(`/stats?days=${range}`);
  const stats = data?.campaigns[id];
  return (
    <div class="stack wide">
      <div class="row">
        <Segmented
          label={words.report.range}
          value={range}
          options={RANGES.map((days) => [days, words.report.days(Number(days))] as const)}
          set={setRange}
        />
      </div>
      {error && !data && <Failed error={error} retry={reload} />}
      {!data && !error && <Skeleton height="11rem" count={2} />}
      {data && !stats && (
        <section class="card">
          <Empty icon="campaigns" title={words.report.none}>
            <p>{words.report.noneAbout}</p>
          </Empty>
        </section>
      )}
      {data && stats && <Days stats={stats} days={data.days} />}
    </div>
  );
}

function Days({ stats, days }: { stats: CampaignStats; days: string[] }) {
  const values = perDay(stats, days.length);
  const reasons = Object.entries(stats.withheld)
    .map(([name, counts]) => ({ name, count: total(counts) }))
    .filter((each) => each.count)
    .sort((a, b) => b.count - a.count);
  return (
    <div class="stack">
      <section class="card" aria-label={words.report.all}>
        <div class="body first">
          <dl class="figures">
            <Figure name={words.report.waitingNow} value={waiting(stats)} />
            {(["sent", "withheld", "retracted", "failed"] as const).map((kind) => (
              <Figure key={kind} name={words.outcomes[kind]} value={number(total(values[kind]))} />
            ))}
          </dl>
          <Bars stats={stats} days={days} label={words.report.byDay} height={150} axis />
          <Legend />
        </div>
      </section>
      <div class="two">
        <section class="card">
          <header>
            <h2>{words.report.whySkipped}</h2>
          </header>
          <div class="body">
            {reasons.length ? <Shares of={reasons} tone="warn" /> : <p class="help">{words.report.nothingSkipped}</p>}
          </div>
        </section>
        <section class="card">
          <header>
            <h2>{words.report.values}</h2>
          </header>
          <div class="body">
            {stats.top.length ? (
              <Shares of={stats.top.map(({ value, count }) => ({ name: shown(value), count }))} />
            ) : (
              <p class="help">{words.report.noValues}</p>
            )}
          </div>
        </section>
      </div>
    </div>
  );
}
