// One history over the text of a campaign: whatever made an edit, Ctrl+Z takes it back.

export type History = { past: string[]; now: string; future: string[]; last: { of: string; at: number } | null };

const MOST = 300;
/** Letters typed into one field within this time are one step. */
export const TOGETHER_MS = 1200;

export const begin = (now: string): History => ({ past: [], now, future: [], last: null });

/** `of` names the field; edits without a name are steps of their own. */
export function change(before: History, now: string, of: string | null, at: number): History {
  if (now === before.now) return before;
  const together = of !== null && before.last?.of === of && at - before.last.at < TOGETHER_MS;
  const past = together ? before.past : [...before.past, before.now].slice(-MOST);
  return { past, now, future: [], last: of === null ? null : { of, at } };
}

export function undo(before: History): History {
  const now = before.past.at(-1);
  if (now === undefined) return before;
  return { past: before.past.slice(0, -1), now, future: [before.now, ...before.future], last: null };
}

export function redo(before: History): History {
  const [now, ...future] = before.future;
  if (now === undefined) return before;
  return { past: [...before.past, before.now], now, future, last: null };
}
