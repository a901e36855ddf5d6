// Which row is which while pairs are moved, renamed and removed: a row that keeps its identity keeps its editor, its
// question about a default, and its place in the browser's memory.

export type Row = { id: number; key: string };

/** The rows of `keys`: by the key that they have, else in the place of the one row there that lost its key. */
export function identified(before: readonly Row[], keys: readonly string[], next: () => number): Row[] {
  const free = new Map(before.map((row, at) => [at, row]));
  const taken = new Map<number, Row>();
  keys.forEach((key, at) => {
    const found = [...free].find(([, row]) => row.key === key);
    if (!found) return;
    free.delete(found[0]);
    taken.set(at, found[1]);
  });
  return keys.map((key, at) => {
    const known = taken.get(at) ?? (keys.length === before.length ? free.get(at) : undefined);
    if (known && !taken.has(at)) free.delete(at);
    return { id: known?.id ?? next(), key };
  });
}
