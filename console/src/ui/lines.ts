// What differs between two texts, line by line: the longest common subsequence of what is between their equal ends.

export type LineChange = ["+" | "-" | " ", string];

/** Cells of the table at most: files of campaigns are short, and a longer one must not stop the tab. */
const MOST_CELLS = 4_000_000;

/** Null where the texts are too long to be compared. */
export function lineChanges(before: string[], after: string[]): LineChange[] | null {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start++;
  let end = 0;
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const middle = between(before.slice(start, before.length - end), after.slice(start, after.length - end));
  if (!middle) return null;
  const same = (line: string): LineChange => [" ", line];
  return [...before.slice(0, start).map(same), ...middle, ...before.slice(before.length - end).map(same)];
}

function between(before: string[], after: string[]): LineChange[] | null {
  const width = after.length + 1;
  if ((before.length + 1) * width > MOST_CELLS) return null;
  const longest = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      longest[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const result: LineChange[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      result.push([" ", before[i] ?? ""]);
      i++;
      j++;
    } else if (i < before.length && (j >= after.length || at(i + 1, j) >= at(i, j + 1))) {
      result.push(["-", before[i] ?? ""]);
      i++;
    } else {
      result.push(["+", after[j] ?? ""]);
      j++;
    }
  }
  return result;
}
