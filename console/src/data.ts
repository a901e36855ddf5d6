// What the API says, remembered while the page is open: a page that one comes back to shows what was there last, at once,
// and then what is new.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { ApiError, get } from "./api.js";

const known = new Map<string, unknown>();

export type Loaded<T> = { data: T | null; error: ApiError | null; loading: boolean; reload: () => Promise<void> };

export const forget = (path: string): boolean => known.delete(path);

/** null: nothing to ask for yet. */
export function useData<T>(path: string | null): Loaded<T> {
  const [, show] = useState(0);
  const state = useRef<{ path: string | null; error: ApiError | null; loading: boolean }>({ path: null, error: null, loading: true });
  const reload = useCallback(async () => {
    if (path === null) return;
    state.current = { path, error: null, loading: true };
    show((n) => n + 1);
    try {
      known.set(path, await get<T>(path));
      if (state.current.path === path) state.current = { path, error: null, loading: false };
    } catch (error) {
      if (state.current.path === path) state.current = { path, error: asApiError(error), loading: false };
    }
    show((n) => n + 1);
  }, [path]);
  useEffect(() => void reload(), [reload]);
  const current = state.current.path === path;
  return {
    data: path === null ? null : ((known.get(path) as T | undefined) ?? null),
    error: current ? state.current.error : null,
    loading: current ? state.current.loading : path !== null,
    reload,
  };
}

export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, "failed", error instanceof Error ? error.message : String(error));
