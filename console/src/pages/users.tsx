// One user: why they did, did not, or will get a message.

import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Explanation, Fact, Story as Told } from "../api.js";
import { useData } from "../data.js";
import { go, to } from "../router.js";
import { Icon } from "../ui/icons.js";
import { Code, Copy, Empty, Failed, Skeleton, shown, Time, timeless } from "../ui/parts.js";
import { words } from "../words.js";

const TONES: Record<string, string> = {
  waits: "info",
  due: "info",
  sent: "good",
  converted: "good",
  withheld: "warn",
  full: "warn",
  retracted: "odd",
};

export function Users({ user }: { user: string | null }) {
  const [text, type] = useState(user ?? "");
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    type(user ?? "");
    if (!user) input.current?.focus();
  }, [user]);
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <div class="head">
        <div class="grow">
          <h1 tabIndex={-1} class="wraps">
            {user ? words.users.of(user) : words.users.title}
          </h1>
          <p>{words.users.about}</p>
        </div>
      </div>
      <div class="stack wide">
        <form
          class="finder"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            if (text.trim()) go(to("users", text.trim()));
          }}
        >
          <input
            ref={input}
            class="input"
            aria-label={words.users.label}
            placeholder={words.users.placeholder}
            value={text}
            onInput={(event) => type(event.currentTarget.value)}
            spellcheck={false}
            autocomplete="off"
          />
          <button type="submit" class="button primary">
            <Icon name="search" />
            {words.users.find}
          </button>
        </form>
        {user ? (
          <Story key={user} user={user} />
        ) : (
          <section class="card">
            <Empty icon="users" title={words.users.which}>
              <p>{words.users.whichAbout}</p>
            </Empty>
          </section>
        )}
      </div>
    </main>
  );
}

/** Sentences tell times as well: in the zone of who reads them. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function Story({ user }: { user: string }) {
  const { data, error, loading, reload } = useData<Told>(`/explain?${new URLSearchParams({ user, zone })}`, {
    live: true,
  });
  if (!data) return error ? <Failed error={error} retry={reload} /> : <Skeleton height="9rem" count={2} />;
  const told = data.explanations
    .filter((each) => each.status !== "nothing")
    .sort((a, b) => b.latest - a.latest || a.name.localeCompare(b.name));
  const others = data.explanations.filter((each) => each.status === "nothing");
  const refresh = (
    <button type="button" class="button tiny" disabled={loading} onClick={() => void reload()}>
      <Icon name="redo" />
      {words.users.reload}
    </button>
  );
  if (!data.known && !told.length) {
    return (
      <section class="card">
        <Empty icon="users" title={words.users.unknown}>
          <p class="wraps">{words.users.unknownAbout(user)}</p>
          {refresh}
        </Empty>
        <Also of={data.also} />
      </section>
    );
  }
  return (
    <div class="stack">
      {data.ids.map((each) => (
        <p key={each} class="quiet wraps">
          {each}
        </p>
      ))}
      <div class="row">
        <span class="grow quiet">
          {told.length ? `${words.users.summary(counted(told))}. ${words.users.latestFirst}` : ""}
        </span>
        {refresh}
      </div>
      {!told.length && (
        <section class="card">
          <Empty icon="users" title={words.users.nothing}>
            <p>{others.length ? words.users.nothingAbout(others.length) : words.users.noCampaign}</p>
          </Empty>
        </section>
      )}
      {data.profile && Object.keys(data.profile).length > 0 && <Profile of={data.profile} />}
      {told.length > 0 && (
        <section class="card" aria-label={words.users.of(user)}>
          {told.map((each) => (
            <Value key={`${each.campaign} ${JSON.stringify(each.constant)} ${each.status}`} of={each} />
          ))}
        </section>
      )}
      <Also of={data.also} />
      {told.length > 0 && others.length > 0 && (
        <details>
          <summary>{words.users.others(others.length)}</summary>
          <ul class="row">
            {others.map((each) => (
              <li key={each.campaign}>
                <a class="pill plain" href={to("campaigns", each.campaign)}>
                  <bdi class="cut">{each.name}</bdi>
                </a>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** Why nothing may have come of events that no campaign remembers. */
function Also({ of }: { of: string[] }) {
  if (!of.length) return null;
  return (
    <details open>
      <summary>{words.users.also}</summary>
      <ul>
        {of.map((each) => (
          <li key={each} class="wraps">
            {each}
          </li>
        ))}
      </ul>
    </details>
  );
}

function counted(all: Explanation[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { status } of all) {
    const said = words.status(status);
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

function Profile({ of }: { of: Record<string, unknown> }) {
  return (
    <section class="card" aria-label={words.users.profile(Object.keys(of).length)}>
      <div class="body first">
        <details>
          <summary>{words.users.profile(Object.keys(of).length)}</summary>
          <Code label={words.users.profile(Object.keys(of).length)} text={JSON.stringify(of, null, 2)} />
        </details>
      </div>
    </section>
  );
}

function Value({ of }: { of: Explanation }) {
  return (
    <article class="story">
      <div class="row">
        <h2 class="wraps">
          <bdi>{of.constant === null ? of.name || of.campaign : shown(of.constant)}</bdi>
        </h2>
        <span class={`pill ${TONES[of.status] ?? ""}`}>{words.status(of.status)}</span>
        <span class="grow" />
        {of.constant !== null && (
          <a class="cut small" href={to("campaigns", of.campaign)}>
            <bdi>{of.name || of.campaign}</bdi>
          </a>
        )}
        {of.message && (
          <Copy text={of.message} label={words.users.messageId}>
            <code>{of.message.slice(0, 8)}</code>
          </Copy>
        )}
      </div>
      <ol class="timeline">
        {of.facts.map((fact) => (
          <Line key={`${fact.at} ${fact.text}`} fact={fact} />
        ))}
      </ol>
      <Pairs of={of} />
    </article>
  );
}

/** The text of a message: whoever asks what a customer got wants to read it. */
function Pairs({ of }: { of: Explanation }) {
  const pairs = Object.entries(of.values ?? {});
  if (!pairs.length) return null;
  return (
    <details>
      <summary>{of.decided === null ? words.users.wouldSay : words.users.said}</summary>
      <div class="stack tight">
        <dl class="said">
          {pairs.map(([key, value]) => (
            <div key={key}>
              <dt class="wraps">{key}</dt>
              <dd class="wraps" dir="auto">
                {shown(value)}
              </dd>
            </div>
          ))}
        </dl>
        <p class="help">{words.users.saidAbout}</p>
      </div>
    </details>
  );
}

function Line({ fact }: { fact: Fact }) {
  const { text, fine } = timeless(fact.text, fact.at);
  return (
    <li class={fact.what}>
      <Time at={fact.at} fine={fine} />
      <i aria-hidden="true" />
      <div class="wraps" dir="auto">
        {text}
      </div>
    </li>
  );
}
