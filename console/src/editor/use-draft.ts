// The draft of one campaign: its text with one history, kept in the browser, and what it began from.

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { begin, change, type History, redo, undo } from "../draft/history.js";
import { type Draft, discard, keep, kept, onElsewhere } from "../draft/kept.js";
import { NEW_CAMPAIGN } from "../draft/text.js";
import type { Steps } from "./fields.js";
import type { Edit } from "./form/props.js";

type State = { history: History; base: string; seen: number };

export type Drafting = {
  draft: Draft;
  changed: boolean;
  edit: Edit;
  steps: Steps & { canUndo: boolean; canRedo: boolean };
  /** Drops what is not published; the answer brings it back. */
  reset: () => () => void;
  /** Goes on from a revision that is live. */
  follow: (source: string, seen: number) => void;
  /** The draft as another tab has it, while it is not this one's. */
  elsewhere: Draft | null;
  takeElsewhere: () => void;
};

/** What a draft begins from. */
type Live = { source: string; revision: number };

const startOf = (live: Live | null, fresh: string): Draft => {
  const source = live?.source ?? fresh;
  return { source, base: source, seen: live?.revision ?? 0 };
};

/** What was begun from a campaign that was deleted since is the draft of a new one. */
function begun(name: string, live: Live | null): Draft | null {
  const draft = kept(name);
  return draft && !live ? { ...draft, seen: 0 } : draft;
}

const stateOf = ({ source, base, seen }: Draft): State => ({ history: begin(source), base, seen });

export function useDraft(name: string, live: Live | null, fresh = NEW_CAMPAIGN): Drafting {
  const [state, set] = useState<State>(() => stateOf(begun(name, live) ?? startOf(live, fresh)));
  const [elsewhere, setElsewhere] = useState<Draft | null>(null);
  const latest = useRef(state);
  latest.current = state;
  const { base, seen } = state;
  const source = state.history.now;
  const draft = useMemo(() => ({ source, base, seen }), [source, base, seen]);
  const start = useMemo(() => startOf(live, fresh), [live, fresh]);

  // At once: whoever leaves the page between what is drawn and an effect would lose what they wrote last.
  useLayoutEffect(() => keep(name, draft), [name, draft]);
  useEffect(
    () =>
      onElsewhere(name, (theirs) => {
        const mine = latest.current;
        if (theirs && mine.history.now === mine.base) set(stateOf(theirs));
        else setElsewhere(theirs && theirs.source !== mine.history.now ? theirs : null);
      }),
    [name],
  );
  // What was not touched follows what is live; what says the same as what is live began from it.
  useEffect(() => {
    if (!live) return;
    set((before) => {
      const { now } = before.history;
      const untouched = now === before.base && live.source !== before.base;
      const same = now === live.source && before.seen !== live.revision;
      return untouched || same ? stateOf(start) : before;
    });
  }, [live, start]);

  const step = useCallback((by: (history: History) => History): void => {
    set((before) => ({ ...before, history: by(before.history) }));
  }, []);
  const edit = useCallback<Edit>(
    (by, of) => step((history) => change(history, by(history.now), of ?? null, Date.now())),
    [step],
  );
  const canUndo = state.history.past.length > 0;
  const canRedo = state.history.future.length > 0;
  const steps = useMemo(
    () => ({ undo: () => step(undo), redo: () => step(redo), canUndo, canRedo }),
    [step, canUndo, canRedo],
  );
  return {
    draft,
    changed: source !== start.source,
    edit,
    steps,
    reset: () => {
      const before = latest.current;
      discard(name);
      set(stateOf(start));
      return () => set(before);
    },
    follow: (text, revision) => {
      discard(name);
      set((before) => ({ history: change(before.history, text, null, 0), base: text, seen: revision }));
    },
    elsewhere,
    takeElsewhere: () => {
      if (elsewhere) set(stateOf(elsewhere));
      setElsewhere(null);
    },
  };
}

/** Ctrl+Z and Ctrl+Y for all fields of the form. A field that holds what was not handed on yet undoes that by itself. */
export function useUndoKeys({ undo, redo }: Steps, on: boolean): void {
  // At once: a key that is pressed between what is drawn and an effect would be missed.
  useLayoutEffect(() => {
    if (!on) return;
    const keys = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.altKey || !(event.ctrlKey || event.metaKey)) return;
      const letter = event.key.toLowerCase();
      if (letter !== "z" && letter !== "y") return;
      const at = event.target as HTMLElement;
      const field = at.closest?.("input, textarea");
      if (field && (!at.closest("[data-edits]") || field.getAttribute("data-pending") === "true")) return;
      event.preventDefault();
      if (letter === "y" || event.shiftKey) redo();
      else undo();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [undo, redo, on]);
}
