// What was before and what will be.

import type { Change, Diff, Difference, Json, Outcome } from "../api.js";

export function Changes({ of }: { of: Change[] }) {
  return (
    <div class="stack">
      {of.map((change) => (
        <div class="change" key={change.field}>
          <h3>{change.field}{!change.open && <small>for events from now on</small>}</h3>
          {said(change.before) && <del>{said(change.before)}</del>}
          {said(change.after) && <ins>{said(change.after)}</ins>}
        </div>
      ))}
    </div>
  );
}

const said = (value: Json): string =>
  value === null ? "" : Array.isArray(value) ? value.map(said).join(", ") : typeof value === "object" ? (Object.keys(value).length ? JSON.stringify(value) : "") : String(value);

/** What a change does to those who are being waited for now. */
export function Effects({ diff }: { diff: Diff }) {
  if (!diff.changes.some((change) => change.open)) return <p>Watches that are open now fall due as before, and send what they would have sent.</p>;
  if (!diff.open) return <p>No watch of this campaign is open now: nobody's message changes.</p>;
  return (
    <div class="stack">
      <p>{diff.sentences.join(" ")}</p>
      {!diff.complete && <p class="help">There are more users than can be read while you wait: that is of the first ones. <code>holdfast campaign diff</code> reads all.</p>}
      {diff.paused && <p class="help">The campaign is paused: until it is resumed, all that falls due is withheld.</p>}
      {(diff.examples ?? []).map((example) => <Example key={`${example.user} ${JSON.stringify(example.constant)}`} of={example} />)}
    </div>
  );
}

function Example({ of }: { of: Difference }) {
  const before = lines(of.before);
  const after = lines(of.after);
  return (
    <div class="change">
      <h3>{of.user}{of.constant === null ? "" : ` · ${said(of.constant)}`}<small>{of.effect}</small></h3>
      {before.filter((line) => !after.includes(line)).map((line) => <del key={line}>{line}</del>)}
      {after.filter((line) => !before.includes(line)).map((line) => <ins key={line}>{line}</ins>)}
    </div>
  );
}

const lines = (outcome: Outcome): string[] =>
  outcome.values ? Object.entries(outcome.values).map(([key, value]) => `${key}: ${value}`) : [`withheld: ${outcome.reason}`];

/** Two texts, line by line: the longest common subsequence, as files of campaigns are short. */
export function TextChanges({ before, after, label }: { before: string; after: string; label: string }) {
  return (
    <div class="change" role="group" aria-label={label}>
      {lineChanges(before.trimEnd().split("\n"), after.trimEnd().split("\n")).map(([kind, line], at) =>
        kind === "+" ? <ins key={at}>{line}</ins> : kind === "-" ? <del key={at}>{line}</del> : <span key={at}>{line}</span>,
      )}
    </div>
  );
}

export function lineChanges(before: string[], after: string[]): ["+" | "-" | " ", string][] {
  const longest: number[][] = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  const at = (i: number, j: number): number => longest[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--) (longest[i] as number[])[j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const result: ["+" | "-" | " ", string][] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      result.push([" ", before[i++] ?? ""]);
      j++;
    } else if (i < before.length && (j >= after.length || at(i + 1, j) >= at(i, j + 1))) result.push(["-", before[i++] ?? ""]);
    else result.push(["+", after[j++] ?? ""]);
  }
  return result;
}
