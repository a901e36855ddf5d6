// The API's word on a draft while it is being written: each as soon as it is known, and only ever about the latest text.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import {
  type ApiError,
  type Checked,
  type JsonObject,
  type Match,
  type Preview,
  post,
  type Seen,
  type SuggestionGroup,
} from "../api.js";
import { asApiError } from "../data.js";
import { shared } from "../ui/memo.js";

export type Answer<T> = { data: T | null; error: ApiError | null; stale: boolean };
type About = { about: string };
const nothing = { data: null, error: null } as const;

/**
 * Asks again whenever `body` changes, `pause` milliseconds after it last did: without one at once, before the browser draws.
 * One request at a time: while one is under way the next waits, and asks for the newest. So a fast typist and a slow network
 * meet in the middle, and no old answer comes last.
 * An answer about something else (`about`) is never shown, not even while the next one is on its way. It is asked for anew, too,
 * when what the API knows (`known`) has changed, and until it comes.
 */
export function useAnswer<T>(path: string, body: unknown, pause = 0, about = "", known = ""): Answer<T> {
  const [answer, set] = useState<Answer<T> & About>({ ...nothing, stale: true, about });
  const text = body === null ? null : JSON.stringify(body);
  const state = useRef({
    wanted: null as string | null,
    about,
    known,
    asking: false,
    alive: true,
  });
  useEffect(() => {
    const now = state.current;
    now.alive = true;
    return () => {
      now.alive = false;
    };
  }, []);
  useLayoutEffect(() => {
    const now = state.current;
    now.wanted = text;
    now.about = about;
    now.known = known;
    if (text === null) return set({ ...nothing, stale: false, about });
    const ask = async (): Promise<void> => {
      if (now.asking || now.wanted === null) return;
      now.asking = true;
      const asked = now.wanted;
      const { about: askedAbout, known: askedKnown } = now;
      const found = await post<T>(path, JSON.parse(asked)).then(
        (data) => ({ data, error: null }),
        (error: unknown) => ({ data: null, error: asApiError(error) }),
      );
      now.asking = false;
      if (!now.alive) return;
      const current = asked === now.wanted && askedKnown === now.known;
      // What went wrong keeps the last good answer in sight, if that is about the same.
      if (askedAbout === now.about) {
        set((before) => ({
          data: found.data ? shared(before.data, found.data) : before.about === askedAbout ? before.data : null,
          error: found.error,
          stale: !current,
          about: askedAbout,
        }));
      }
      if (!current) void ask();
    };
    if (pause === 0) void ask();
    set((before) =>
      before.about !== about ? { ...nothing, stale: true, about } : before.stale ? before : { ...before, stale: true },
    );
    if (pause === 0) return;
    const timer = setTimeout(() => void ask(), pause);
    return () => clearTimeout(timer);
  }, [path, text, pause, about, known]);
  return answer.about === about ? answer : { ...nothing, stale: true };
}

export type Subject = { kind: "made-up" | "known"; user: string; values: Record<string, string> };

export type Sample = { user: string; event?: JsonObject | JsonObject[]; profile?: JsonObject };

/** What a file says; its text where the API's parser reads more in it than the page's does. */
export type Said = { campaign: JsonObject } | { source: string };

/** Merged keys (`<<: *base`) are the API's to merge. */
export const saidBy = (source: string, data: JsonObject | null): Said | null =>
  data && (/<<\s*:/.test(source) ? { source } : { campaign: data });

/** Half of what a preview takes is the parsing of the file: what the page has read already is not read again. */
export const usePreview = (said: Said | null, sample: Sample | null): Answer<Preview> =>
  useAnswer<Preview>(
    "/preview",
    said === null || sample === null ? null : { ...said, ...sample },
    0,
    sample === null ? "" : `${sample.event ? "made up" : "known"} ${sample.user}`,
  );

export const useCheck = (source: string): Answer<Checked> => useAnswer<Checked>("/check", { source }, 120);

export const useMatch = (source: string | null, events: JsonObject[] | null): Answer<Match> =>
  useAnswer<Match>("/match", source === null || events === null ? null : { source, events }, 120);

/** How soon a menu's names are asked for again where they did not come; twice as long each time, up to a minute. */
const AGAIN_MS = 2000;
const NO_NAMES: SuggestionGroup[] = [];

/** Names for a menu: none until they are known, and anew once more of them are in use (`seen`). */
export function useSuggestions(campaign: JsonObject | null, seen: Seen | null): SuggestionGroup[] {
  const [failures, setFailures] = useState(0);
  const known = useMemo(() => JSON.stringify(seen), [seen]);
  const body = campaign === null ? null : { campaign };
  const { data, error } = useAnswer<{ groups: SuggestionGroup[] }>(
    "/suggestions",
    body,
    200,
    "",
    `${failures} ${known}`,
  );
  useEffect(() => {
    if (!error?.passes) return;
    const timer = setTimeout(() => setFailures((n) => n + 1), AGAIN_MS * 2 ** Math.min(failures, 5));
    return () => clearTimeout(timer);
  }, [error, failures]);
  return data?.groups ?? NO_NAMES;
}
