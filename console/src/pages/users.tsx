// A user's story: why they did, did not, or will get a message.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Explanation, Fact, Story as Told } from "../api.js";
import { useData } from "../data.js";
import { go, to } from "../router.js";
import { Icon } from "../ui/icons.js";
import { Empty, Failed, shown, Skeleton, Time } from "../ui/parts.js";

const TONES: Record<string, string> = { waits: "info", due: "info", sent: "good", converted: "good", withheld: "warn", full: "warn", retracted: "odd" };

export function Users({ user }: { user: string | null }) {
  const [text, type] = useState(user ?? "");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => type(user ?? ""), [user]);
  useEffect(() => {
    if (!user) input.current?.focus();
  }, []);
  return (
    <main id="main" class="narrow">
      <div class="head"><div><h1>{user ? `The story of ${user}` : "A user's story"}</h1><p>Why a user did, did not, or will get a message.</p></div></div>
      <form class="finder" role="search" onSubmit={(event) => (event.preventDefault(), text.trim() && go(to("users", text.trim())))}>
        <input ref={input} class="input" aria-label="User id" placeholder="User id, as upstream sends it" value={text} onInput={(event) => type(event.currentTarget.value)} spellcheck={false} autocomplete="off" />
        <button type="submit" class="button primary"><Icon name="search" />Find</button>
      </form>
      <br />
      {user ? <Story user={user} /> : <section class="card"><Empty icon="users" title="Whose?"><p>Type the id of a user, as it stands in the events. You will see what was seen of them, what is waited for, and what was decided with which reason.</p></Empty></section>}
    </main>
  );
}

/** Sentences tell times as well: in the zone of who reads them. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function Story({ user }: { user: string }) {
  const { data, error, reload } = useData<Told>(`/explain?${new URLSearchParams({ user, zone })}`);
  if (!data) return error ? <Failed error={error} retry={reload} /> : <Skeleton height="9rem" count={2} />;
  const groups = new Map<string, Explanation[]>();
  const blank = data.explanations.filter((each) => each.status === "nothing");
  for (const each of data.explanations.filter((one) => one.status !== "nothing")) groups.set(each.campaign, [...(groups.get(each.campaign) ?? []), each]);
  if (!data.explanations.length) return <section class="card"><Empty icon="users" title="Nothing is known"><p>No campaign is published, and nothing is remembered of {user}.</p></Empty></section>;
  return (
    <div class="stack">
      {[...groups].map(([campaign, all]) => (
        <section class="card" key={campaign} aria-label={all[0]?.name || campaign}>
          <header><h2><a href={to("campaigns", campaign)}>{all[0]?.name || campaign}</a></h2></header>
          {all.map((each, at) => <Value key={at} of={each} />)}
        </section>
      ))}
      {blank.length > 0 && (
        <section class="card" aria-label="Nothing remembered">
          <div class="body first">
            <p class="quiet">Nothing that counts was seen lately of {groups.size ? "the events of" : `${user} for`}:</p>
            <ul class="row">{blank.map((each) => <li key={each.campaign}><a class="pill plain" href={to("campaigns", each.campaign)}>{each.name}</a></li>)}</ul>
          </div>
        </section>
      )}
    </div>
  );
}

function Value({ of }: { of: Explanation }) {
  return (
    <article class="story">
      <div class="row">
        {of.constant !== null && <h3>{shown(of.constant)}</h3>}
        <span class={`pill ${TONES[of.status] ?? ""}`}>{of.status}</span>
        {of.message && <code class="quiet cut" title="The message's id">{of.message}</code>}
      </div>
      <ol class="timeline">
        {of.facts.map((fact, at) => <Line key={at} fact={fact} />)}
      </ol>
    </article>
  );
}

function Line({ fact }: { fact: Fact }) {
  return <li class={fact.what}><Time at={fact.at} /><i aria-hidden="true" /><div>{fact.text}</div></li>;
}
