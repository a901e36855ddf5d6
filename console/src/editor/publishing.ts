// Ctrl+S and the button: both publish what was written last, as soon as that is checked.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Asks as soon as what was written last is checked. */
export function usePublishing(stale: boolean, ready: () => void): () => void {
  const [wanted, want] = useState(false);
  const latest = useRef(ready);
  latest.current = ready;
  useEffect(() => {
    if (!wanted || stale) return;
    want(false);
    latest.current();
  }, [wanted, stale]);
  return useCallback(() => want(true), []);
}

export function usePublishKeys(publish: () => void, on: boolean): void {
  // At once: a key that is pressed between what is drawn and an effect would be missed.
  useLayoutEffect(() => {
    if (!on) return;
    const keys = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      if (event.key !== "s" && event.key !== "Enter") return;
      event.preventDefault();
      publish();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [publish, on]);
}
