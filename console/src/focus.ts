// After a change of page the focus is on its heading, as it would be after a page that was loaded.

import { useLayoutEffect, useRef } from "preact/hooks";

/** `place` names the page. Its heading is waited for, however long the page takes to be there. */
export function useFocus(place: string): void {
  const before = useRef(place);
  // At once: whoever goes on between what is drawn and an effect would be where they were.
  useLayoutEffect(() => {
    if (before.current === place) return;
    before.current = place;
    const from = document.activeElement;
    const look = (): void => {
      const heading = document.querySelector<HTMLElement>("main h1");
      const somewhere = isSomewhere(from);
      if (!heading && !somewhere) return;
      later.disconnect();
      if (!somewhere) heading?.focus({ preventScroll: true });
    };
    const later = new MutationObserver(look);
    later.observe(document.body, { childList: true, subtree: true });
    look();
    return () => later.disconnect();
  }, [place]);
}

/** Whoever is somewhere already stays there: in a field of the page, in a dialog, or where they went meanwhile. */
function isSomewhere(from: Element | null): boolean {
  const now = document.activeElement;
  if (!now || now === document.body) return false;
  return now !== from || now.closest("main, dialog") !== null;
}
