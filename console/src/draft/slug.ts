// The id of a new campaign: of its name, until somebody writes one.

const LONGEST = 63;

export function slug(name: string): string {
  const plain = name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replaceAll("ß", "ss")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return plain.slice(0, LONGEST).replace(/-$/, "") || "campaign";
}

/** The id that follows from a name, and is not taken. */
export function freeSlug(name: string, taken: ReadonlySet<string>): string {
  const wanted = slug(name);
  for (let number = 1; ; number++) {
    const end = number === 1 ? "" : `-${number}`;
    const id = wanted.slice(0, LONGEST - end.length).replace(/-$/, "") + end;
    if (!taken.has(id)) return id;
  }
}

/** What somebody types, as far as it may stand in an id. */
export const asId = (typed: string): string =>
  typed
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "-")
    .slice(0, LONGEST);

export const isId = (id: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(id);
