// The events that were seen: about how many came, what they bear, and which campaigns use them.

import { useState } from "preact/hooks";

import type { Seen } from "../api.js";
import { useData } from "../data.js";
import { to } from "../router.js";
import { total, Volume } from "../ui/charts.js";
import { Empty, Failed, Search, Skeleton } from "../ui/parts.js";
import { words } from "../words.js";
import { keptValues } from "./records.js";
import { Values } from "./values.js";

type Event = Seen["events"][number];
const NONE = new Map<string, string[]>();

export function Events({ mayEdit }: { mayEdit: boolean }) {
  const { data, error, reload } = useData<Seen>("/seen", { live: true });
  const [query, search] = useState("");
  const all = data?.events ?? [];
  const found = all.filter((event) => holds(event, query));
  const days = data?.days ?? [];
  const others = total(data?.others ?? []);
  return (
    <div class="stack wide">
      {all.length > 0 && <Search label={words.incoming.searchEvents} value={query} set={search} />}
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Skeleton height="5rem" count={3} />}
      {data && found.length === 0 && (
        <section class="card">
          <Empty icon={query ? "search" : "incoming"} title={words.incoming.noEvents}>
            <p>{query ? words.incoming.noneFound : words.incoming.noEventsAbout}</p>
          </Empty>
        </section>
      )}
      {found.length > 0 && (
        <section class="card" aria-label={words.incoming.tabs.events}>
          <ul class="list">
            {found.map((event) => (
              <One key={event.name} of={event} days={days} mayEdit={mayEdit} />
            ))}
          </ul>
          {others > 0 && <p class="quiet small body">{words.incoming.others(others, days.length)}</p>}
        </section>
      )}
    </div>
  );
}

const holds = ({ name, properties }: Event, query: string): boolean =>
  [name, ...properties.map(({ path }) => path)].join("\n").toLowerCase().includes(query.trim().toLowerCase());

const liveOf = (event: string): string => `${to("incoming", "live")}?${new URLSearchParams({ event })}`;

type Props = { of: Event; days: string[]; mayEdit: boolean };

function One({ of: { name, properties, campaigns, volume }, days, mayEdit }: Props) {
  const last = mayEdit ? keptValues(name, Date.now()) : NONE;
  return (
    <li>
      <div class="row top-aligned">
        <b class="grow wraps">
          <bdi>{name}</bdi>
        </b>
        <a href={liveOf(name)} aria-label={words.incoming.lookOnAt(name)}>
          {words.incoming.lookOn}
        </a>
      </div>
      <div class="row volume">
        <span class="quiet small number">{words.incoming.volume(volume.at(-1) ?? 0, total(volume.slice(-7)))}</span>
        {total(volume) > 0 && <Volume counts={volume} days={days} label={name} />}
      </div>
      <p class="small wraps with-links">
        {campaigns.length === 0 && <span class="quiet">{words.incoming.unused}</span>}
        {campaigns.map(({ campaign, part }, at) => (
          <span key={campaign}>
            {at > 0 ? ", " : `${words.incoming.usedBy} `}
            <a href={to("campaigns", campaign)}>{campaign}</a> ({words.incoming.part(part)})
          </span>
        ))}
      </p>
      {properties.length > 0 && (
        <details>
          <summary>{words.incoming.properties(properties.length)}</summary>
          <ul class="lookups">
            {properties.map(({ path, types }) => (
              <li key={path}>
                <span class="wraps">
                  <code>{path}</code> <span class="quiet">{types.join(words.incoming.or)}</span>{" "}
                  <Values of={last.get(path)} />
                </span>
              </li>
            ))}
          </ul>
          {last.size > 0 ? (
            <p class="small quiet">{words.incoming.lastValuesAbout}</p>
          ) : (
            mayEdit && (
              <p class="small with-links">
                <a href={`${liveOf(name)}&values`} aria-label={words.incoming.lookForValuesOf(name)}>
                  {words.incoming.lookForValues}
                </a>
              </p>
            )
          )}
        </details>
      )}
    </li>
  );
}
