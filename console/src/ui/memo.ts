// What keeps a key in one field from rendering all others: parts that say the same as before stay the same objects, and
// what is given the same objects is not rendered again.

import { type Component, createElement, type FunctionComponent } from "preact";
import { useCallback, useRef } from "preact/hooks";

/** Rendered again where one of its properties is another one. */
export function memo<P extends object>(Inner: FunctionComponent<P>): FunctionComponent<P> {
  return function Memo(this: Component<P>, props: P) {
    this.shouldComponentUpdate = (next) => differs(props, next);
    return createElement(Inner, props);
  };
}

function differs(before: object, after: object): boolean {
  const keys = Object.keys(after) as (keyof typeof after)[];
  return keys.length !== Object.keys(before).length || keys.some((key) => !Object.is(before[key], after[key]));
}

/** The same function at each rendering, which does what the newest one does. */
export function useNewest<A extends unknown[], R>(act: (...of: A) => R): (...of: A) => R {
  const newest = useRef(act);
  newest.current = act;
  return useCallback((...of: A) => newest.current(...of), []);
}

/**
 * `after`, in which every part that says the same as before is the very object that it was. What is handed in is nobody
 * else's yet: its parts are exchanged in place.
 */
export function shared<T>(before: unknown, after: T): T {
  if (Object.is(before, after) || !isParted(before) || !isParted(after)) return after;
  if (Array.isArray(before) !== Array.isArray(after)) return after;
  return exchanged(before, after) ? (before as T) : after;
}

/** Whether both say the same, in the same order. */
function exchanged(before: Parted, after: Parted): boolean {
  const known = Object.keys(before);
  const keys = Object.keys(after);
  let same = keys.length === known.length;
  for (const [at, key] of keys.entries()) {
    if (Object.hasOwn(before, key)) after[key] = shared(before[key], after[key]);
    same &&= known[at] === key && Object.is(before[key], after[key]);
  }
  return same;
}

type Parted = Record<string, unknown>;
const isParted = (value: unknown): value is Parted => typeof value === "object" && value !== null;

export function useShared<T>(value: T): T {
  const last = useRef<T>(value);
  last.current = shared(last.current, value);
  return last.current;
}
