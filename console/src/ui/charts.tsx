// Small charts, as SVG: a bar for each day, in the colours of the scheme, that one can read with a mouse or a screen reader.
// A canvas library would be larger than all the charts here, and would know neither.

import type { CampaignStats } from "../api.js";
import { many, number } from "./parts.js";

export const KINDS = ["sent", "withheld", "retracted", "failed"] as const;
type Kind = (typeof KINDS)[number];

export const perDay = (stats: CampaignStats, days: number): Record<Kind, number[]> => ({
  sent: filled(stats.sent, days),
  withheld: Object.values(stats.withheld).reduce((sum, each) => sum.map((n, at) => n + (each[at] ?? 0)), filled([], days)),
  retracted: filled(stats.retracted, days),
  failed: filled(stats.failed, days),
});

const filled = (values: number[], days: number): number[] => Array.from({ length: days }, (_, at) => values[at] ?? 0);
export const total = (values: number[]): number => values.reduce((sum, each) => sum + each, 0);

type Props = { stats: CampaignStats; days: string[]; label: string; height?: number; axis?: boolean };

export function Bars({ stats, days, label, height = 34, axis = false }: Props) {
  const values = perDay(stats, days.length);
  const sums = days.map((_, at) => KINDS.reduce((sum, kind) => sum + (values[kind][at] ?? 0), 0));
  const most = Math.max(1, ...sums);
  const width = axis ? 1200 : 168;
  const step = width / Math.max(1, days.length);
  const bar = Math.max(2, step * 0.68);
  const summary = KINDS.map((kind) => `${number(total(values[kind]))} ${kind}`).join(", ");
  const bars = (
    <svg class="bars" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${label}: ${summary} in ${many(days.length, "day", "days")}`} preserveAspectRatio="none" height={height}>
      {days.map((day, at) => {
        let top = height;
        const x = at * step + (step - bar) / 2;
        const said = KINDS.filter((kind) => values[kind][at]).map((kind) => `${number(values[kind][at] ?? 0)} ${kind}`);
        return (
          <g class="day" key={day}>
            <title>{`${day}: ${said.join(", ") || "nothing"}`}</title>
            <rect class="hit" x={at * step} y={0} width={step} height={height} />
            <rect class="ground" x={x} y={height - 1.5} width={bar} height={1.5} />
            {KINDS.map((kind) => {
              const value = values[kind][at] ?? 0;
              if (!value) return null;
              const tall = Math.max(2, (value / most) * (height - 2));
              top -= tall;
              return <rect class={kind} key={kind} x={x} y={Math.max(0, top)} width={bar} height={tall} rx={axis ? 3 : 1} />;
            })}
          </g>
        );
      })}
    </svg>
  );
  if (!axis) return bars;
  const [first = "", middle = "", last = ""] = [days[0], days[Math.floor(days.length / 2)], days.at(-1)];
  return <>{bars}<div class="axis" aria-hidden="true">{[first, middle, last].map((day) => <span key={day}>{short(day)}</span>)}</div></>;
}

const dayName = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const short = (day: string): string => dayName.format(new Date(`${day}T00:00:00Z`));

export function Legend() {
  return <div class="legend">{KINDS.map((kind) => <span class={kind} key={kind}><i />{kind}</span>)}</div>;
}

/** What was most frequent, each with a bar behind it. */
export function Shares({ of, tone = "" }: { of: { name: string; count: number }[]; tone?: string }) {
  const most = Math.max(1, ...of.map((each) => each.count));
  return (
    <ul class={`share ${tone}`}>
      {of.map((each) => (
        <li key={each.name}>
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width={(each.count / most) * 100} height="10" rx="0.8" /></svg>
          <span class="cut">{each.name}</span>
          <span class="number">{number(each.count)}</span>
        </li>
      ))}
    </ul>
  );
}

export const UNKNOWN = "–";
export const waiting = (stats: CampaignStats): string => (stats.waiting === null ? `≥ ${number(stats.waiting_at_least)}` : number(stats.waiting));

export function Figure({ name, value }: { name: string; value: string }) {
  return <div class="figure"><dt>{name}</dt><dd class={value === "0" || value === UNKNOWN ? "zero" : ""}>{value}</dd></div>;
}
