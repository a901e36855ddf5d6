// Drafts stand in the browser's own store: they outlive a reload, a closed tab, and signing in anew. What is read from it
// is checked, as an older page or anybody's hand may have written it.

/** `base` is what `source` was when editing began, and `seen` its revision: 0 for a campaign that is new. */
export type Draft = { source: string; base: string; seen: number };
export type Kept = Draft & { name: string; at: number };

/** The draft of the policy: no campaign has such a name. */
export const POLICY = "/policy";

let prefix = "holdfast.draft..";

/** Stages are apart, though they may be looked at from one address. */
export const keepFor = (stage: string): void => {
  prefix = `holdfast.draft.${stage}.`;
};

export function keep(name: string, draft: Draft): void {
  try {
    if (draft.source === draft.base) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, JSON.stringify({ ...draft, at: Date.now() }));
  } catch {
    // No room, or not allowed: the draft is still in memory.
  }
}

export function kept(name: string): Draft | null {
  try {
    return asDraft(localStorage.getItem(prefix + name));
  } catch {
    return null;
  }
}

export function discard(name: string): void {
  try {
    localStorage.removeItem(prefix + name);
  } catch {
    // nothing was kept
  }
}

/** All campaigns' of this stage, the newest first. */
export function allKept(): Kept[] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix) && key !== prefix + POLICY)
      .flatMap((key) => {
        const text = localStorage.getItem(key);
        const draft = asDraft(text);
        return draft ? [{ ...draft, name: key.slice(prefix.length), at: keptAt(text) }] : [];
      })
      .sort((a, b) => b.at - a.at);
  } catch {
    return [];
  }
}

/** Calls back when another tab keeps or discards the draft. */
export function onElsewhere(name: string, changed: (draft: Draft | null) => void): () => void {
  const heard = (event: StorageEvent): void => {
    if (event.key === prefix + name) changed(asDraft(event.newValue));
  };
  addEventListener("storage", heard);
  return () => removeEventListener("storage", heard);
}

/** A name for a draft of a campaign that is not published yet. */
export const freshName = (): string => `new-${Date.now().toString(36)}`;

export function asDraft(text: string | null): Draft | null {
  try {
    const value = JSON.parse(text ?? "null") as Partial<Record<keyof Draft, unknown>> | null;
    const { source, base, seen } = value ?? {};
    if (typeof source !== "string" || typeof base !== "string" || typeof seen !== "number") return null;
    return { source, base, seen };
  } catch {
    return null;
  }
}

function keptAt(text: string | null): number {
  const at = (JSON.parse(text ?? "{}") as { at?: unknown }).at;
  return typeof at === "number" ? at : 0;
}
