// All campaigns at a glance, and the drafts that only this browser has.

import { useState } from "preact/hooks";

import type { CampaignRow, CampaignStats, Me, Stats } from "../api.js";
import { useData } from "../data.js";
import { allKept, discard, type Kept, keep, kept } from "../draft/kept.js";
import { read } from "../draft/text.js";
import { to } from "../router.js";
import { Bars, Figure, perDay, total, UNKNOWN, waiting } from "../ui/charts.js";
import { Icon } from "../ui/icons.js";
import { Empty, Failed, number, Search, Skeleton, shown, Time, toast } from "../ui/parts.js";
import { words } from "../words.js";

const DAYS = 14;
/** As many one sees at a glance. */
const FEW = 7;

export function Campaigns({ me }: { me: Me }) {
  const { data, error, reload } = useData<{ campaigns: CampaignRow[] }>("/campaigns", { live: true });
  const stats = useData<Stats>(`/stats?days=${DAYS}`);
  const [query, search] = useState("");
  const rows = data?.campaigns ?? [];
  const found = rows.filter((row) => fits(row, query));
  return (
    <main id="main" tabIndex={-1}>
      <div class="head">
        <div class="grow">
          <h1 tabIndex={-1}>{words.campaigns.title}</h1>
          <p>{words.campaigns.about(DAYS)}</p>
        </div>
        <div class="row">
          {rows.length > FEW && <Search label={words.campaigns.search} value={query} set={search} />}
          {me.may_edit && (
            <a class="button primary" href={to("campaigns", "new")}>
              <Icon name="plus" />
              {words.campaigns.create}
            </a>
          )}
        </div>
      </div>
      <div class="stack wide">
        {error && <Failed error={error} retry={reload} />}
        {!data && !error && <Skeleton height="4.2rem" count={4} />}
        {data && me.may_edit && <Drafts rows={rows} />}
        {data && rows.length === 0 && <None me={me} />}
        {query && (
          <p class="help" role="status">
            {found.length ? words.campaigns.found(found.length, rows.length) : words.campaigns.noneFound}
          </p>
        )}
        <ul class="campaigns">
          {found.map((row) => (
            <Campaign
              key={row.id}
              row={row}
              stats={stats.data ? (stats.data.campaigns[row.id] ?? NONE) : null}
              days={stats.data?.days ?? null}
            />
          ))}
        </ul>
      </div>
    </main>
  );
}

const fits = ({ id, name, did, did_not }: CampaignRow, query: string): boolean =>
  [id, name ?? "", ...did, ...did_not].join("\n").toLowerCase().includes(query.trim().toLowerCase());

function None({ me }: { me: Me }) {
  return (
    <section class="card">
      <Empty icon="campaigns" title={words.campaigns.none}>
        <p>{words.campaigns.noneAbout}</p>
        {me.may_edit && (
          <a class="button primary" href={to("campaigns", "new")}>
            <Icon name="plus" />
            {words.campaigns.createFirst}
          </a>
        )}
      </Empty>
    </section>
  );
}

/** Of campaigns that are not published yet: one may have begun several. */
function Drafts({ rows }: { rows: CampaignRow[] }) {
  const [drafts, set] = useState(allKept);
  const live = new Set(rows.map((row) => row.id));
  const fresh = drafts.filter((each) => !live.has(each.name));
  if (!fresh.length) return null;
  const drop = (one: Kept): void => {
    discard(one.name);
    set(allKept());
    const back = (): void => {
      keep(one.name, one);
      set(allKept());
    };
    toast(words.broken.discarded, { icon: "undo", action: { label: words.editor.undo, do: back } });
  };
  return (
    <section class="card" aria-label={words.campaigns.drafts}>
      <header>
        <h2>{words.campaigns.drafts}</h2>
        <span class="help">{words.campaigns.draftsAbout}</span>
      </header>
      <ul class="list drafts">
        {fresh.map((one) => (
          <li key={one.name}>
            <div class="row">
              <bdi class="grow cut">
                <a href={to("campaigns", "new", one.name)}>{read(one.source).form?.name || words.campaigns.unnamed}</a>
              </bdi>
              <span class="quiet small">
                <Time at={one.at} />
              </span>
              <button type="button" class="button tiny plain" onClick={() => drop(one)}>
                {words.editor.discard}
              </button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

type CampaignProps = { row: CampaignRow; stats: CampaignStats | null; days: string[] | null };

function Campaign({ row, stats, days }: CampaignProps) {
  const values = stats && days ? perDay(stats, days.length) : null;
  const figures: [string, string][] = [
    [words.outcomes.waiting, stats ? waiting(stats) : UNKNOWN],
    [words.outcomes.sent, values ? number(total(values.sent)) : UNKNOWN],
    [words.outcomes.withheld, values ? number(total(values.withheld)) : UNKNOWN],
    [words.outcomes.failed, values ? number(total(values.failed)) : UNKNOWN],
  ];
  const any = values && Object.values(values).some((each) => total(each));
  return (
    <li class="card campaign">
      <div class="titles">
        <div class="row">
          <h2>
            <a href={to("campaigns", row.id)} dir="auto">
              {row.name || row.id}
            </a>
          </h2>
          {row.paused && <span class="pill warn">{words.campaigns.paused}</span>}
          {kept(row.id) && <span class="pill info">{words.campaigns.draft}</span>}
        </div>
        <p class="quiet small cut">{words.campaigns.did(row.did, row.did_not, row.within)}</p>
      </div>
      <div class="spark">
        {any && stats && days ? <Bars stats={stats} days={days} label={row.name || row.id} /> : null}
      </div>
      <dl class="row-figures">
        {figures.map(([name, value]) => (
          <Figure key={name} name={name} value={value} />
        ))}
      </dl>
      <ul class="tops" aria-label={words.campaigns.top}>
        {(stats?.top ?? []).slice(0, 2).map(({ value, count }) => (
          <li key={value}>
            <bdi class="cut" title={shown(value)}>
              {shown(value)}
            </bdi>
            <span class="quiet number">{number(count)}</span>
          </li>
        ))}
      </ul>
    </li>
  );
}

const NONE: CampaignStats = {
  waiting: 0,
  waiting_at_least: 0,
  sent: [],
  withheld: {},
  retracted: [],
  failed: [],
  top: [],
  top_error: 0,
  outcomes: [],
  comparisons: [],
};
