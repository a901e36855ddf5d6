// What the API says of a draft while it is being written: each as soon as it is known, and only ever about the latest text.

import { useEffect, useRef, useState } from "preact/hooks";

import { ApiError, type Checked, type JsonObject, type Match, post, type Preview, type SuggestionGroup } from "../api.js";
import { asApiError } from "../data.js";

export type Answer<T> = { data: T | null; error: ApiError | null; stale: boolean };

/**
 * Asks again whenever `body` changes, `pause` milliseconds after it last did. One request at a time: while one is under way the
 * next waits, and asks for the newest. So a fast typist and a slow network meet in the middle, and no old answer comes last.
 */
export function useAnswer<T>(path: string, body: unknown, pause = 0): Answer<T> {
  const [answer, set] = useState<Answer<T>>({ data: null, error: null, stale: true });
  const text = body === null ? null : JSON.stringify(body);
  const state = useRef<{ wanted: string | null; asking: boolean; alive: boolean }>({ wanted: null, asking: false, alive: true });
  useEffect(() => {
    state.current.alive = true;
    return () => void (state.current.alive = false);
  }, []);
  useEffect(() => {
    const now = state.current;
    now.wanted = text;
    if (text === null) return set({ data: null, error: null, stale: false });
    set((before) => (before.stale ? before : { ...before, stale: true }));
    const ask = async (): Promise<void> => {
      if (now.asking || now.wanted === null) return;
      now.asking = true;
      const asked = now.wanted;
      let found: Answer<T>;
      try {
        found = { data: await post<T>(path, JSON.parse(asked)), error: null, stale: false };
      } catch (error) {
        found = { data: null, error: asApiError(error), stale: false };
      }
      now.asking = false;
      if (!now.alive) return;
      const current = asked === now.wanted;
      // What went wrong keeps the last good answer in sight.
      set((before) => ({ data: found.data ?? before.data, error: found.error, stale: !current }));
      if (!current) void ask();
    };
    const timer = setTimeout(() => void ask(), pause);
    return () => clearTimeout(timer);
  }, [path, text, pause]);
  return answer;
}

export type Subject = { kind: "made-up" | "known"; user: string; values: Record<string, string> };

export type Sample = { user: string; event?: JsonObject | JsonObject[]; profile?: JsonObject };

export const usePreview = (source: string | null, sample: Sample | null): Answer<Preview> =>
  useAnswer<Preview>("/preview", source === null || sample === null ? null : { source, ...sample });

export const useCheck = (source: string): Answer<Checked> => useAnswer<Checked>("/check", { source }, 120);

export const useMatch = (source: string | null, events: JsonObject[] | null): Answer<Match> =>
  useAnswer<Match>("/match", source === null || events === null ? null : { source, events }, 120);

export const useSuggestions = (campaign: JsonObject | null): SuggestionGroup[] =>
  useAnswer<{ groups: SuggestionGroup[] }>("/suggestions", campaign === null ? null : { campaign }, 200).data?.groups ?? [];
