// Small charts, as SVG: a bar for each day, in the colours of the scheme, that one can read with a mouse or a screen reader.
// A canvas library would be larger than all the charts here, and would know neither.

import type { CampaignStats } from "../api.js";
import { type Outcome, words } from "../words.js";
import { number } from "./parts.js";

export const KINDS = ["sent", "withheld", "retracted", "failed"] as const satisfies readonly Outcome[];
type Kind = (typeof KINDS)[number];

export const perDay = (stats: CampaignStats, days: number): Record<Kind, number[]> => ({
  sent: filled(stats.sent, days),
  withheld: Object.values(stats.withheld).reduce(
    (sum, each) => sum.map((n, at) => n + (each[at] ?? 0)),
    filled([], days),
  ),
  retracted: filled(stats.retracted, days),
  failed: filled(stats.failed, days),
});

const filled = (values: number[], days: number): number[] => Array.from({ length: days }, (_, at) => values[at] ?? 0);
export const total = (values: number[]): number => values.reduce((sum, each) => sum + each, 0);

/** The end of an axis: the next 1, 2 or 5 with as many zeros. */
export function roundUp(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= most) ?? most;
}

type Props = { stats: CampaignStats; days: string[]; label: string; height?: number; axis?: boolean };

export function Bars({ stats, days, label, ...look }: Props) {
  const values = perDay(stats, days.length);
  const columns = days.map((day, at): Column => {
    const counts = KINDS.map((kind): [Kind, number] => [kind, values[kind][at] ?? 0]);
    const said = counts.filter(([, count]) => count).map(([kind, count]) => words.charts.of(count, kind));
    return { day, counts, said: said.join(", ") };
  });
  const summary = KINDS.map((kind) => words.charts.of(total(values[kind]), kind)).join(", ");
  return <Columns of={columns} label={words.charts.days(label, summary, days.length)} {...look} />;
}

/** About how many events came, by day. */
export function Volume({ counts, days, label }: { counts: number[]; days: string[]; label: string }) {
  const columns = days.map((day, at): Column => {
    const count = counts[at] ?? 0;
    return { day, counts: [["came", count]], said: count ? words.charts.events(count) : "" };
  });
  return <Columns of={columns} label={words.charts.days(label, words.charts.events(total(counts)), days.length)} />;
}

/** A day: what stands on each other in its bar, the lowest first, and how it reads. */
type Column = { day: string; counts: [Kind | "came", number][]; said: string };

const AXIS_WIDTH = 1200;
const SMALL_WIDTH = 168;

function Columns({ of, label, height = 30, axis = false }: { of: Column[] } & Omit<Props, "stats" | "days">) {
  const sums = of.map(({ counts }) => total(counts.map(([, count]) => count)));
  const most = axis ? roundUp(Math.max(1, ...sums)) : Math.max(1, ...sums);
  const width = axis ? AXIS_WIDTH : SMALL_WIDTH;
  const step = width / Math.max(1, of.length);
  const bar = Math.max(2, Math.min(step * 0.68, 48));
  const bars = (
    <svg
      class="bars"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
      height={height}
    >
      {axis &&
        [0, height / 2, height - 0.5].map((y) => (
          <line class="grid" key={y} x1="0" x2={width} y1={y + 0.5} y2={y + 0.5} />
        ))}
      {of.map((column, at) => (
        <Day key={column.day} of={column} x={at * step} {...{ step, bar, most, height, axis }} />
      ))}
    </svg>
  );
  if (!axis) return bars;
  const ends = [of[0], of[Math.floor(of.length / 2)], of.at(-1)];
  return (
    <div class="chart">
      <div class="scale" aria-hidden="true">
        <span>{number(most)}</span>
        <span>{most > 1 ? number(most / 2) : ""}</span>
        <span>0</span>
      </div>
      <div>
        {bars}
        <div class="axis" aria-hidden="true">
          {ends.map((column, at) => (
            <span key={at}>{short(column?.day ?? "")}</span>
          ))}
        </div>
      </div>
    </div>
  );
}

type DayProps = {
  of: Column;
  x: number;
  step: number;
  bar: number;
  most: number;
  height: number;
  axis: boolean;
};

function Day({ of: { day, counts, said }, x, step, bar, most, height, axis }: DayProps) {
  let top = height;
  const left = x + (step - bar) / 2;
  return (
    <g class="day">
      <title>{words.charts.day(day, said)}</title>
      <rect class="hit" x={x} y={0} width={step} height={height} />
      {counts.map(([kind, count]) => {
        if (!count) return null;
        const tall = Math.max(2, (count / most) * (height - 2));
        top -= tall;
        return (
          <rect class={kind} key={kind} x={left} y={Math.max(0, top)} width={bar} height={tall} rx={axis ? 3 : 1} />
        );
      })}
    </g>
  );
}

const dayName = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

function short(day: string): string {
  const at = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(at.getTime()) ? day : dayName.format(at);
}

export function Legend() {
  return (
    <div class="legend">
      {KINDS.map((kind) => (
        <span class={kind} key={kind}>
          <i />
          {words.outcomes[kind]}
        </span>
      ))}
    </div>
  );
}

type Share = { name: string; count: number };
/** The way to what is behind a share, and how it is called. */
type Opening = { label: (name: string) => string; open: (name: string) => void };

/** What was most frequent, each with a bar behind it. */
export function Shares({ of, tone = "", opening }: { of: Share[]; tone?: string; opening?: Opening }) {
  const most = Math.max(1, ...of.map((each) => each.count));
  return (
    <ul class={`share ${tone}`}>
      {of.map((each) => (
        <li key={each.name}>
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect width={(each.count / most) * 100} height="10" rx="0.8" />
          </svg>
          <bdi class="wraps">{each.name}</bdi>
          {opening && each.name !== OTHER ? (
            <button
              type="button"
              class="button link number"
              aria-label={opening.label(each.name)}
              onClick={() => opening.open(each.name)}
            >
              {number(each.count)}
            </button>
          ) : (
            <span class="number">{number(each.count)}</span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Several reasons together, as the statistics count what is too much of a kind. */
const OTHER = "other";
export const UNKNOWN = "–";
export const waiting = (stats: CampaignStats): string =>
  stats.waiting === null ? words.campaigns.atLeast(stats.waiting_at_least) : number(stats.waiting);

export function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class={value === "0" || value === UNKNOWN ? "zero" : ""}>{value}</dd>
    </div>
  );
}
