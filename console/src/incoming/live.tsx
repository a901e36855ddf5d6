// The live tail: each record as it comes, how it was read, what it touches, and why it was rejected.

import { useMemo, useState } from "preact/hooks";
import type { Seen } from "../api.js";
import { useData } from "../data.js";
import { Typed } from "../editor/form/typed.js";
import { to } from "../router.js";
import { Icon } from "../ui/icons.js";
import { memo } from "../ui/memo.js";
import { Empty, FiguresTable, Notice, Time } from "../ui/parts.js";
import { Picker } from "../ui/picker.js";
import { words } from "../words.js";
import { lastValues, type Row, type Share, shapeOf, sharesOf, touchOf, type Wanted } from "./records.js";
import { type Tail, useTail } from "./use-tail.js";
import { Values } from "./values.js";

const TONES: Record<Row["read"], string> = {
  event: "good",
  profile: "info",
  tie: "info",
  rejected: "bad",
  ignored: "plain",
  later: "warn",
};

/** What is wanted is so to begin with. Values are for editors. */
export function Live({ event, user, values, mayEdit }: Wanted & { mayEdit: boolean }) {
  const [wanted, choose] = useState<Wanted>({ event, user, values });
  const tail = useTail(wanted);
  const seen = useData<Seen>("/seen", { live: true }).data;
  const events = (seen?.events ?? []).map(({ name }) => ({ value: name }));
  const change = (next: Wanted): void => {
    choose(next);
    tail.clear();
  };
  const { rows } = tail.found;
  const shares = useMemo(() => (wanted.event ? sharesOf(rows) : null), [rows, wanted.event]);
  const last = useMemo(() => lastValues(rows), [rows]);
  return (
    <div class="stack wide">
      <section class="card" aria-label={words.incoming.chosen}>
        <div class="body first stack">
          <div class="two">
            <div class="field">
              <label for="tail-event">{words.incoming.event}</label>
              <Picker
                id="tail-event"
                label={words.incoming.event}
                value={wanted.event}
                options={events}
                placeholder={words.incoming.all}
                optional
                set={(name) => change({ ...wanted, event: name })}
              />
            </div>
            <div class="field">
              <label for="tail-user">{words.incoming.user}</label>
              <Typed
                id="tail-user"
                value={wanted.user}
                placeholder={words.incoming.all}
                set={(name) => change({ ...wanted, user: name })}
              />
            </div>
          </div>
          {mayEdit && (
            <label class="row top-aligned">
              <input
                type="checkbox"
                class="check"
                checked={wanted.values}
                onChange={() => choose({ ...wanted, values: !wanted.values })}
                aria-describedby="tail-values"
              />
              <span class="grow">
                {words.incoming.values}
                <br />
                <span class="quiet small" id="tail-values">
                  {words.incoming.valuesAbout}
                </span>
              </span>
            </label>
          )}
          <State of={tail} />
        </div>
      </section>
      {shares && <Shares of={shares} event={wanted.event} last={last} />}
      <section class="card" aria-label={words.incoming.records}>
        {rows.length === 0 ? (
          <Empty icon="incoming" title={words.incoming.nothing}>
            <p>{tail.looking ? words.incoming.nothingYet : words.incoming.nothingCame}</p>
          </Empty>
        ) : (
          <ul class="list">
            {rows.map((row) => (
              <Line key={row.number} of={row} />
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}

/** Whether one follows, how much came, and the one button that begins or ends it. */
function State({ of: { looking, stopped, error, found, start, stop } }: { of: Tail }) {
  return (
    <>
      <div class="row">
        <p class="grow" role="status">
          <b>{looking ? words.incoming.looking : words.incoming.stopped}</b>{" "}
          <span class="quiet">{words.incoming.count(found.count, found.more, found.reads.rejected ?? 0)}</span>
        </p>
        <button type="button" class={`button ${looking ? "" : "primary"}`} onClick={looking ? stop : start}>
          <Icon name={looking ? "pause" : "play"} />
          {looking ? words.incoming.stop : words.incoming.goOn}
        </button>
      </div>
      {stopped && (
        <Notice kind={error ? "bad" : "info"}>
          <span>{error ? error.message : words.incoming.why[stopped]}</span>
        </Notice>
      )}
    </>
  );
}

function Shares({ of, event, last }: { of: Share[]; event: string; last: Map<string, string[]> }) {
  return (
    <section class="card" aria-label={words.incoming.shares(event)}>
      <header>
        <h2 class="grow wraps">{words.incoming.shares(event)}</h2>
      </header>
      <div class="body">
        <FiguresTable
          label={words.incoming.shares(event)}
          columns={[
            words.incoming.property,
            words.incoming.types,
            words.incoming.share,
            ...(last.size ? [words.incoming.lastValues] : []),
          ]}
        >
          {of.map(({ path, types, share }) => (
            <tr key={path}>
              <th scope="row">
                <code>{path}</code>
              </th>
              <td>{types.join(", ")}</td>
              <td>{words.outcome.percent(share)}</td>
              {last.size > 0 && (
                <td>
                  <Values of={last.get(path)} />
                </td>
              )}
            </tr>
          ))}
        </FiguresTable>
      </div>
    </section>
  );
}

const Line = memo(({ of }: { of: Row }) => {
  const { read, event, user, form, came, at, campaigns, properties, reason, again, values } = of;
  return (
    <li>
      <div class="row top-aligned">
        <span class={`pill ${TONES[read]}`}>{words.incoming.reads[read]}</span>
        <span class="grow wraps with-links">
          {event && <bdi>{event}</bdi>} {user && <a href={to("users", user)}>{user}</a>}
          {again && <span class="quiet small"> {words.incoming.again}</span>}
        </span>
        <span class="quiet small">
          <Time at={came} fine />
        </span>
      </div>
      <p class="quiet small wraps">
        {words.incoming.form(form)}
        {at !== null && at !== came && (
          <>
            {" · "}
            {words.incoming.happened} <Time at={at} fine />
          </>
        )}
      </p>
      {reason && <p class={`wraps ${read === "rejected" ? "mistake" : "note"}`}>{reason}</p>}
      {campaigns.length > 0 && (
        <p class="small wraps with-links">
          {words.incoming.touches}{" "}
          {campaigns.map(touchOf).map(({ campaign, part }, number) => (
            <span key={`${campaign} ${part}`}>
              {number > 0 && ", "}
              <a href={to("campaigns", campaign)}>{campaign}</a> ({words.incoming.part(part)})
            </span>
          ))}
        </p>
      )}
      {properties.length > 0 && (
        <details>
          <summary>{words.incoming.properties(properties.length)}</summary>
          {Object.keys(values).length > 0 ? (
            <ul class="lookups" aria-label={words.incoming.values}>
              {properties.map(shapeOf).map(({ path, type }) => (
                <li key={`${path} ${type}`}>
                  <span class="wraps">
                    <code>{path}</code> <span class="quiet">{type}</span> <Values of={[values[path] ?? ""]} />
                  </span>
                </li>
              ))}
            </ul>
          ) : (
            <p class="small wraps with-links">
              {properties.map(shapeOf).map(({ path, type }, at) => (
                <span key={`${path} ${type}`}>
                  {at > 0 && ", "}
                  <code>{path}</code> <span class="quiet">{type}</span>
                </span>
              ))}
            </p>
          )}
        </details>
      )}
    </li>
  );
});
