// The API's answers, remembered while the page is open: a page that one comes back to shows what was there last, at once,
// and then what is new. What is shown is asked for again every half minute and whenever somebody comes back to the tab, so
// that a page that stays open learns what others did.

import { useCallback, useEffect, useState } from "preact/hooks";

import { ApiError, get } from "./api.js";

const FRESH_MS = 30_000;
/** Coming back to the tab asks again, but not for what is as new as this. */
const NEW_MS = 2_000;

type Entry = {
  data: unknown;
  error: ApiError | null;
  asking: Promise<void> | null;
  /** What is under way may be older than what one wants to know. */
  again: boolean;
  /** When it was asked for last: an answer may be no newer. */
  asked: number;
  shown: Set<() => void>;
  live: number;
};

const known = new Map<string, Entry>();

export type Loaded<T> = { data: T | null; error: ApiError | null; loading: boolean; reload: () => Promise<void> };

function entry(path: string): Entry {
  let found = known.get(path);
  if (!found) {
    found = { data: null, error: null, asking: null, again: false, asked: 0, shown: new Set(), live: 0 };
    known.set(path, found);
  }
  return found;
}

/** `anew`: an answer to what was asked before is not enough. */
function ask(path: string, anew = false): Promise<void> {
  const one = entry(path);
  one.again ||= anew && one.asking !== null;
  one.asking ??= answered(path, one);
  told(one);
  return one.asking;
}

async function answered(path: string, one: Entry): Promise<void> {
  do {
    Object.assign(one, { again: false, asked: Date.now() });
    const found = await get<unknown>(path).then(
      (data) => ({ data, error: null }),
      (error: unknown) => ({ error: asApiError(error) }),
    );
    if (!one.again) Object.assign(one, found);
  } while (one.again);
  one.asking = null;
  told(one);
}

function told({ shown }: Entry): void {
  for (const show of shown) show();
}

/** Forgets what begins so, and asks anew for what of it is shown. */
export function forget(path: string): void {
  for (const [each, one] of known) {
    if (!each.startsWith(path)) continue;
    if (one.shown.size) void ask(each, true);
    else known.delete(each);
  }
}

function refresh(oldest: number): void {
  if (document.visibilityState === "hidden") return;
  for (const [path, one] of known) if (one.live && Date.now() - one.asked > oldest) void ask(path, true);
}

/** From now on what is shown stays fresh. */
export function keepFresh(): void {
  setInterval(() => refresh(FRESH_MS - 1000), FRESH_MS);
  addEventListener("focus", () => refresh(NEW_MS));
  document.addEventListener("visibilitychange", () => refresh(NEW_MS));
}

type Options = {
  /** Asked for again while it is shown. */
  live?: boolean;
};

/** null: nothing to ask for yet. */
export function useData<T>(path: string | null, { live = false }: Options = {}): Loaded<T> {
  const [, show] = useState(0);
  const reload = useCallback(async () => (path === null ? undefined : ask(path)), [path]);
  useEffect(() => {
    if (path === null) return;
    const one = entry(path);
    const shown = (): void => show((n) => n + 1);
    one.shown.add(shown);
    if (live) one.live++;
    void ask(path);
    return () => {
      one.shown.delete(shown);
      if (live) one.live--;
    };
  }, [path, live]);
  if (path === null) return { data: null, error: null, loading: false, reload };
  const one = entry(path);
  return { data: one.data as T | null, error: one.error, loading: one.asking !== null || !one.asked, reload };
}

export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, "failed", error instanceof Error ? error.message : String(error));
