// The live sources: by which what other systems send is read, in the order in which they are asked.

import type { LiveSource, LiveSources } from "../api.js";
import { useData } from "../data.js";
import { Code, Empty, Failed, Skeleton, Time } from "../ui/parts.js";
import { words } from "../words.js";

export function Sources() {
  const { data, error, reload } = useData<LiveSources>("/sources", { live: true });
  return (
    <div class="stack wide">
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Skeleton height="5rem" count={3} />}
      {data?.sources.length === 0 && (
        <section class="card">
          <Empty icon="incoming" title={words.incoming.noSources}>
            <p>{words.incoming.noSourcesAbout}</p>
          </Empty>
        </section>
      )}
      {data?.sources.map((source) => (
        <One key={source.id} of={source} />
      ))}
    </div>
  );
}

function One({ of }: { of: LiveSource }) {
  return (
    <section class="card" aria-labelledby={`source-${of.id}`}>
      <header>
        <h2 class="grow wraps" id={`source-${of.id}`} dir="auto">
          {of.name}
        </h2>
        <span class="pill good">{words.editor.live(of.revision)}</span>
      </header>
      <div class="body stack">
        <p class="small quiet wraps">
          <code>{of.id}</code> · <Time at={of.published_at} /> {of.published_by && words.history.by(of.published_by)}
        </p>
        {of.note && (
          <p class="wraps note" dir="auto">
            {of.note}
          </p>
        )}
        <p class="wraps">
          {words.incoming.matches} <code>{of.match}</code>
        </p>
        <details>
          <summary>{words.incoming.file}</summary>
          <Code label={words.incoming.fileOf(of.id)} text={of.source} />
        </details>
      </div>
    </section>
  );
}
