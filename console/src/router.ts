// Where one is stands in the address's fragment: `#/campaigns/abandoned-cart`. Any server of static files will do.

import { useLayoutEffect, useState } from "preact/hooks";

export type Route = { page: string; path: string[]; query: URLSearchParams };

export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { page: parts[0] ?? "campaigns", path: parts.slice(1), query: new URLSearchParams(query) };
}

/** A part that is not well encoded stands for itself: somebody wrote it by hand, or a mail program cut it off. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const to = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join("/")}`;

export const go = (address: string): void => {
  location.hash = address;
};

/** Goes there without a way back to where one was. */
export const replace = (address: string): void => {
  history.replaceState(null, "", address);
  dispatchEvent(new HashChangeEvent("hashchange"));
};

export function useRoute(): Route {
  const [now, set] = useState(() => routeOf(location.hash));
  // At once: an address that changes between what is drawn and an effect would be missed.
  useLayoutEffect(() => {
    const changed = (): void => {
      set(routeOf(location.hash));
      window.scrollTo(0, 0);
    };
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return now;
}
