// Where one is stands in the address's fragment: `#/campaigns/abandoned-cart`. Any server of static files will do.

import { useEffect, useState } from "preact/hooks";

export type Route = { page: string; path: string[]; query: URLSearchParams };

export function route(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  return { page: parts[0] ?? "campaigns", path: parts.slice(1), query: new URLSearchParams(query) };
}

export const to = (...parts: string[]): string => "#/" + parts.map(encodeURIComponent).join("/");

export const go = (address: string): void => {
  location.hash = address;
};

export function useRoute(): Route {
  const [now, set] = useState(route);
  useEffect(() => {
    const changed = (): void => {
      set(route());
      window.scrollTo(0, 0);
    };
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return now;
}
