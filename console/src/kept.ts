// Drafts outlive going elsewhere in the page, a reload, and the way to the sign-in page and back.

/** `base` is what `source` was when editing began, and `seen` its revision: 0 for a campaign that is new. */
export type Draft = { source: string; base: string; seen: number };

const KEY = "holdfast.draft.";

export function keep(name: string, draft: Draft): void {
  const changed = draft.source !== draft.base;
  try {
    if (changed) sessionStorage.setItem(KEY + name, JSON.stringify(draft));
    else sessionStorage.removeItem(KEY + name);
  } catch {
    // no room: the draft is still in memory
  }
}

export function kept(name: string): Draft | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY + name) ?? "null") as Draft | null;
  } catch {
    return null;
  }
}

export const discard = (name: string): void => sessionStorage.removeItem(KEY + name);

export const anyKept = (): boolean => Object.keys(sessionStorage).some((key) => key.startsWith(KEY));
