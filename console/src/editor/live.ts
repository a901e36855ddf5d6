// The API's word on a draft while it is being written: each as soon as it is known, and only ever about the latest text.

import { useEffect, useRef, useState } from "preact/hooks";

import {
  type ApiError,
  type Checked,
  type JsonObject,
  type Match,
  type Preview,
  post,
  type SuggestionGroup,
} from "../api.js";
import { asApiError } from "../data.js";

export type Answer<T> = { data: T | null; error: ApiError | null; stale: boolean };
type About = { about: string };
const nothing = { data: null, error: null } as const;

/**
 * Asks again whenever `body` changes, `pause` milliseconds after it last did. One request at a time: while one is under way the
 * next waits, and asks for the newest. So a fast typist and a slow network meet in the middle, and no old answer comes last.
 * An answer about something else (`about`) is never shown, not even while the next one is on its way.
 */
export function useAnswer<T>(path: string, body: unknown, pause = 0, about = ""): Answer<T> {
  const [answer, set] = useState<Answer<T> & About>({ ...nothing, stale: true, about });
  const text = body === null ? null : JSON.stringify(body);
  const state = useRef<{ wanted: string | null; about: string; asking: boolean; alive: boolean }>({
    wanted: null,
    about,
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
  useEffect(() => {
    const now = state.current;
    now.wanted = text;
    now.about = about;
    if (text === null) return set({ ...nothing, stale: false, about });
    set((before) =>
      before.about !== about ? { ...nothing, stale: true, about } : before.stale ? before : { ...before, stale: true },
    );
    const ask = async (): Promise<void> => {
      if (now.asking || now.wanted === null) return;
      now.asking = true;
      const asked = now.wanted;
      const askedAbout = now.about;
      const found = await post<T>(path, JSON.parse(asked)).then(
        (data) => ({ data, error: null }),
        (error: unknown) => ({ data: null, error: asApiError(error) }),
      );
      now.asking = false;
      if (!now.alive) return;
      const current = asked === now.wanted;
      // What went wrong keeps the last good answer in sight, if that is about the same.
      if (askedAbout === now.about) {
        set((before) => ({
          data: found.data ?? (before.about === askedAbout ? before.data : null),
          error: found.error,
          stale: !current,
          about: askedAbout,
        }));
      }
      if (!current) void ask();
    };
    const timer = setTimeout(() => void ask(), pause);
    return () => clearTimeout(timer);
  }, [path, text, pause, about]);
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

export const useSuggestions = (campaign: JsonObject | null): SuggestionGroup[] =>
  useAnswer<{ groups: SuggestionGroup[] }>("/suggestions", campaign === null ? null : { campaign }, 200).data?.groups ??
  [];
