// What was before and what will be.

import type { Change, Diff, Difference, Outcome } from "../api.js";
import { words } from "../words.js";
import { lineChanges } from "./lines.js";

export function Changes({ of }: { of: Change[] }) {
  return (
    <div class="stack">
      {of.map((change) => (
        <div class="change" key={change.field}>
          <h3>
            {change.field}
            {!change.open && <small>{words.difference.fromNowOn}</small>}
          </h3>
          {said(change.before) && <del dir="auto">{said(change.before)}</del>}
          {said(change.after) && <ins dir="auto">{said(change.after)}</ins>}
        </div>
      ))}
    </div>
  );
}

function said(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(said).join(", ");
  if (typeof value !== "object") return String(value);
  return Object.keys(value).length ? JSON.stringify(value) : "";
}

/** What a change does to those who are being waited for now. */
export function Effects({ diff }: { diff: Diff }) {
  if (!diff.changes.some((change) => change.open)) return <p>{words.difference.unchanged}</p>;
  if (!diff.open) return <p>{words.difference.nobody}</p>;
  return (
    <div class="stack">
      <p>{diff.sentences.join(" ")}</p>
      {!diff.complete && <p class="help">{words.difference.incomplete}</p>}
      {diff.paused && <p class="help">{words.difference.paused}</p>}
      {diff.examples.map((example) => (
        <Example key={`${example.user} ${JSON.stringify(example.constant)}`} of={example} />
      ))}
    </div>
  );
}

function Example({ of }: { of: Difference }) {
  const before = lines(of.before);
  const after = lines(of.after);
  const effects: Record<string, string> = words.difference.effects;
  return (
    <div class="change">
      <h3>
        <bdi>
          {of.user}
          {of.constant === null ? "" : ` · ${said(of.constant)}`}
        </bdi>
        <small>{effects[of.effect] ?? of.effect}</small>
      </h3>
      {before
        .filter((line) => !after.includes(line))
        .map((line) => (
          <del key={line} dir="auto">
            {line}
          </del>
        ))}
      {after
        .filter((line) => !before.includes(line))
        .map((line) => (
          <ins key={line} dir="auto">
            {line}
          </ins>
        ))}
    </div>
  );
}

const lines = (outcome: Outcome): string[] =>
  outcome.values
    ? Object.entries(outcome.values).map(([key, value]) => `${key}: ${value}`)
    : [words.difference.skipped(outcome.reason ?? "")];

/** Two texts, line by line. */
export function TextChanges({ before, after, label }: { before: string; after: string; label: string }) {
  const changes = lineChanges(before.trimEnd().split("\n"), after.trimEnd().split("\n"));
  if (!changes) {
    return (
      <div class="stack">
        <p class="help">{words.difference.tooLong}</p>
        <pre class="code">{after}</pre>
      </div>
    );
  }
  return (
    <div class="change" role="group" aria-label={label}>
      {changes.map(([kind, line], at) => {
        const Kind = kind === "+" ? "ins" : kind === "-" ? "del" : "span";
        return <Kind key={at}>{line}</Kind>;
      })}
    </div>
  );
}
