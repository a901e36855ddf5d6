// Following: asked for again and again while somebody does, and for ten minutes at most. Who has another tab in front of this
// one, or closes it, does not follow; the stack forgets them by itself.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { type ApiError, post, type Tailed } from "../api.js";
import { asApiError } from "../data.js";
import { fits, keepValues, LONGEST_MS, type Looked, looked, NOTHING, PAUSE_MS, type Wanted } from "./records.js";

/** Why nobody follows any more. */
export type Stopped = "by hand" | "hidden" | "over" | "failed";

export type Tail = {
  looking: boolean;
  stopped: Stopped | null;
  error: ApiError | null;
  found: Looked;
  start: () => void;
  stop: () => void;
  clear: () => void;
};

export function useTail(wanted: Wanted): Tail {
  const [found, set] = useState<Looked>(NOTHING);
  const [stopped, setStopped] = useState<Stopped | null>(document.visibilityState === "hidden" ? "hidden" : null);
  const [error, setError] = useState<ApiError | null>(null);
  const [turn, setTurn] = useState(0);
  const newest = useRef(wanted);
  newest.current = wanted;

  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn is another ten minutes
  useEffect(() => {
    if (stopped) return;
    const id = fresh();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let on = true;
    const end = (why: Stopped): void => {
      on = false;
      setStopped(why);
    };
    const ask = async (): Promise<void> => {
      const asked = newest.current;
      try {
        const answer = await post<Tailed>("/tail", { id, ...asked });
        if (!on) return;
        const records = answer.records.filter((record) => fits(record, newest.current));
        const more = asked === newest.current ? answer.more : 0; // else of what was looked for before
        keepValues(records);
        set((before) => looked(before, { records, more }));
      } catch (reason) {
        if (!on) return;
        setError(asApiError(reason));
        return end("failed");
      }
      timer = setTimeout(() => void ask(), PAUSE_MS);
    };
    const over = setTimeout(() => end("over"), LONGEST_MS);
    const hidden = (): void => {
      if (document.visibilityState === "hidden") end("hidden");
    };
    document.addEventListener("visibilitychange", hidden);
    hidden(); // it may have gone behind another one since this was drawn
    if (on) void ask();
    return () => {
      on = false;
      clearTimeout(timer);
      clearTimeout(over);
      document.removeEventListener("visibilitychange", hidden);
    };
  }, [stopped, turn]);

  const start = useCallback(() => {
    setError(null);
    setStopped(null);
    setTurn((before) => before + 1);
  }, []);
  const stop = useCallback(() => setStopped("by hand"), []);
  const clear = useCallback(() => set(NOTHING), []);
  return { looking: stopped === null, stopped, error, found, start, stop, clear };
}

const fresh = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
