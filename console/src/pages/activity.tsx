// Who changed what, and when.

import { useState } from "preact/hooks";

import type { Act, Activity as Acts } from "../api.js";
import { useData } from "../data.js";
import { to } from "../router.js";
import { Empty, Failed, Search, Skeleton, Time } from "../ui/parts.js";
import { words } from "../words.js";

export function Activity() {
  const { data, error, reload } = useData<Acts>("/activity", { live: true });
  const [query, search] = useState("");
  const found = (data?.acts ?? []).filter((act) => fits(act, query));
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <div class="head">
        <div class="grow">
          <h1 tabIndex={-1}>{words.activity.title}</h1>
          <p>{words.activity.about}</p>
        </div>
        <div class="row">
          <Search label={words.activity.search} value={query} set={search} />
        </div>
      </div>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Skeleton height="9rem" count={2} />}
      {data && found.length === 0 && (
        <section class="card">
          <Empty icon="activity" title={words.activity.none}>
            <p>{query ? words.activity.noneFound : words.activity.noneAbout}</p>
          </Empty>
        </section>
      )}
      {found.length > 0 && (
        <section class="card" aria-label={words.activity.title}>
          <ul class="list">
            {found.map((act) => (
              <Line key={`${act.at} ${act.by} ${act.action} ${act.of}`} of={act} />
            ))}
          </ul>
        </section>
      )}
    </main>
  );
}

function told({ action, of, revision, count }: Act): string {
  const say = words.activity.actions[action];
  return say ? say(of, revision, count) : words.activity.other(action, of);
}

const fits = (act: Act, query: string): boolean =>
  `${act.by ?? ""}\n${told(act)}\n${act.note ?? ""}`.toLowerCase().includes(query.trim().toLowerCase());

function placeOf({ of }: Act): string {
  if (of === "rejected" || of === "undelivered") return to("queues", of);
  return of === "policy" ? to("policy") : to("campaigns", of, "history");
}

function Line({ of }: { of: Act }) {
  return (
    <li>
      <div class="row top-aligned">
        <span class="grow wraps">
          <b>{of.by ?? words.activity.nobody}</b> <a href={placeOf(of)}>{told(of)}</a>
        </span>
        <span class="quiet small">
          <Time at={of.at} />
        </span>
      </div>
      {of.note && (
        <p class="wraps note" dir="auto">
          {of.note}
        </p>
      )}
    </li>
  );
}
