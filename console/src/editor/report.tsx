// A campaign's days: what was sent, and why what was not; what followed, and whether it makes a difference.

import { useState } from "preact/hooks";

import type { CampaignStats, Stats } from "../api.js";
import { csv, download } from "../csv.js";
import { useData } from "../data.js";
import { Bars, Figure, KINDS, Legend, perDay, Shares, total, waiting } from "../ui/charts.js";
import { Icon } from "../ui/icons.js";
import { Empty, Failed, number, Segmented, Skeleton, shown } from "../ui/parts.js";
import { words } from "../words.js";
import { Those, UsersBehind } from "./behind.js";
import { Conversions, Difference } from "./outcomes.js";

const RANGES = ["14", "30", "90"] as const;
type Range = (typeof RANGES)[number];

/** `counts` is whether the live revision says what a conversion is. */
export function Report({ id, counts }: { id: string; counts: boolean }) {
  const [range, setRange] = useState<Range>("14");
  const { data, error, reload } = useData<Stats>(`/stats?days=${range}`, { live: true });
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
        <span class="grow" />
        {data && stats && (
          <Download
            name={`${id}-days.csv`}
            label={words.report.downloadDays}
            make={() => daysAsCsv(stats, data.days)}
          />
        )}
        {data && stats && stats.outcomes.length > 0 && (
          <Download
            name={`${id}-conversions.csv`}
            label={words.report.downloadConversions}
            make={() => followedAsCsv(id, stats)}
          />
        )}
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
      {data && stats && <UsersBehind id={id} counts={counts} />}
      {data && stats && <Days id={id} stats={stats} days={data.days} />}
      {data && stats && (counts || stats.outcomes.length > 0) && <Works stats={stats} />}
      {data && stats && !counts && stats.outcomes.length === 0 && <p class="help">{words.outcome.notCounted}</p>}
    </div>
  );
}

function Works({ stats }: { stats: CampaignStats }) {
  return (
    <>
      {stats.comparisons.map((each) => (
        <Difference key={each.variant ?? ""} of={each} />
      ))}
      <Conversions rows={stats.outcomes} />
    </>
  );
}

function Download({ name, label, make }: { name: string; label: string; make: () => string }) {
  return (
    <button type="button" class="button plain" onClick={() => download(name, make(), "text/csv")}>
      <Icon name="download" />
      {label}
    </button>
  );
}

/** A row for each day, and each reason of what was skipped. */
export function daysAsCsv(stats: CampaignStats, days: string[]): string {
  const kinds = (["sent", "retracted", "failed"] as const).map((kind) => [kind, "", stats[kind]] as const);
  const withheld = Object.entries(stats.withheld).map(([reason, counts]) => ["withheld", reason, counts] as const);
  const rows = days.flatMap((day, at) =>
    [...kinds, ...withheld].map(([outcome, reason, counts]) => [day, outcome, reason, counts[at] ?? 0]),
  );
  return csv(["day", "outcome", "reason", "messages"], rows);
}

/** As `holdfast stats --csv` has it. */
export function followedAsCsv(id: string, { outcomes }: CampaignStats): string {
  const rows = outcomes.map((each) => [id, ...COLUMNS.map((column) => each[column])]);
  return csv(["campaign", ...COLUMNS], rows);
}

const COLUMNS = [
  "day",
  "revision",
  "variant",
  "group",
  "messages",
  "converted",
  "amount",
  "currency",
  "users",
  "users_converted",
  "users_amount",
] as const;

function Days({ id, stats, days }: { id: string; stats: CampaignStats; days: string[] }) {
  const [skipped, set] = useState("");
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
            {KINDS.map((kind) => (
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
            {reasons.length ? (
              <Shares of={reasons} tone="warn" opening={{ label: words.behind.because, open: set }} />
            ) : (
              <p class="help">{words.report.nothingSkipped}</p>
            )}
            {skipped && <Those id={id} of={{ kind: "withheld", reason: skipped }} close={() => set("")} />}
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
