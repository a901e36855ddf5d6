// The small parts that all pages are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { ApiError } from "../api.js";
import { words } from "../words.js";
import { Icon, type IconName } from "./icons.js";

export { number } from "../words.js";

export function Notice({ kind, children }: { kind: "bad" | "warn" | "good" | "info"; children: ComponentChildren }) {
  return (
    <div class={`notice ${kind} fades`} role={kind === "bad" ? "alert" : undefined}>
      <Icon name={kind === "good" ? "check" : kind === "info" ? "info" : "warning"} />
      {children}
    </div>
  );
}

export function Failed({ error, retry }: { error: ApiError; retry?: (() => void) | undefined }) {
  return (
    <Notice kind="bad">
      <span class="grow">{error.message}</span>
      {retry && (
        <button type="button" class="button tiny" onClick={retry}>
          {words.parts.retry}
        </button>
      )}
    </Notice>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} stroke-width="1.3" class="large" />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A table of figures: where it is wider than its place it scrolls. The first column is of names. */
export function FiguresTable({
  label,
  columns,
  children,
}: {
  label: string;
  columns: string[];
  children: ComponentChildren;
}) {
  return (
    <div class="scrolls" role="region" aria-label={label} tabIndex={0}>
      <table class="figures-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** In the place and of the height of what is still on its way. */
export function Skeleton({ height, count = 1 }: { height: string; count?: number }) {
  return (
    <div class="stack" role="status" aria-label={words.parts.loading}>
      {Array.from({ length: count }, (_, n) => (
        <Block key={n} height={height} />
      ))}
    </div>
  );
}

function Block({ height }: { height: string }) {
  const at = useRef<HTMLDivElement>(null);
  useEffect(() => at.current?.style.setProperty("height", height), [height]);
  return <div class="skeleton" ref={at} />;
}

export function Mistakes({ of, id }: { of: string[]; id?: string }) {
  if (!of.length) return null;
  return (
    <div id={id}>
      {of.map((message) => (
        <p class="mistake" key={message}>
          <Icon name="warning" />
          {message}
        </p>
      ))}
    </div>
  );
}

export function Hints({ of }: { of: string[] }) {
  return (
    <>
      {of.map((message) => (
        <p class="hint" key={message}>
          <Icon name="info" />
          {message}
        </p>
      ))}
    </>
  );
}

type CopyProps = { text: string; label: string; children?: ComponentChildren };

export function Copy({ text, label, children }: CopyProps) {
  const [copied, set] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      set(true);
      setTimeout(() => set(false), 1600);
    } catch {
      toast(words.parts.copyFailed, { icon: "warning" });
    }
  };
  return (
    <button
      type="button"
      class="button tiny copy"
      onClick={copy}
      aria-label={copied ? words.parts.copied : label}
      title={label}
    >
      <Icon name={copied ? "check" : "copy"} /> {children ?? (copied ? words.parts.copied : words.parts.copy)}
    </button>
  );
}

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div class="with-copy">
      <pre class="code" tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
      <Copy text={text} label={words.parts.copyOf(label)} />
    </div>
  );
}

type SegmentedProps<T extends string> = {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  set: (value: T) => void;
  disabled?: boolean;
};

export function Segmented<T extends string>({ label, value, options, set, disabled = false }: SegmentedProps<T>) {
  return (
    <div class="segmented" role="group" aria-label={label}>
      {options.map(([each, said]) => (
        <button type="button" key={each} aria-pressed={each === value} disabled={disabled} onClick={() => set(each)}>
          {said}
        </button>
      ))}
    </div>
  );
}

type SearchProps = { label: string; value: string; set: (value: string) => void };

export function Search({ label, value, set }: SearchProps) {
  return (
    <div class="search-field" role="search">
      <Icon name="search" />
      <input
        class="input"
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => set(event.currentTarget.value)}
      />
    </div>
  );
}

type DialogProps = {
  title: ComponentChildren;
  close: () => void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  className?: string;
};

/** A native dialog: the browser keeps the focus in it, and gives it back. */
export function Dialog({ title, close, children, footer, className = "" }: DialogProps) {
  const at = useRef<HTMLDialogElement>(null);
  // At once, so that it is open before anything in it asks for the focus.
  useLayoutEffect(() => {
    const dialog = at.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={at}
      class={className}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onMouseDown={(event) => event.target === at.current && close()}
      aria-labelledby="dialog-title"
    >
      <header>
        <h2 class="grow" id="dialog-title">
          {title}
        </h2>
        <button type="button" class="button plain icon" aria-label={words.parts.close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div class="body" tabIndex={-1}>
        {children}
      </div>
      {footer && <footer>{footer}</footer>}
    </dialog>
  );
}

type ConfirmProps = {
  title: string;
  about: string;
  confirm: string;
  danger?: boolean;
  busy?: boolean;
  /** Whether all that the question says is there: what comes later moves the button, and may change one's mind. */
  ready?: boolean;
  note?: { value: string; set: (value: string) => void };
  yes: () => void;
  no: () => void;
};

/** A question before something that cannot, or not easily, be taken back. */
export function Confirm({
  title,
  about,
  confirm,
  danger = false,
  busy = false,
  ready = true,
  note,
  yes,
  no,
}: ConfirmProps) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => button.current?.focus(), []);
  const footer = (
    <>
      <button type="button" class="button" onClick={no} ref={danger ? button : null}>
        {words.editor.cancel}
      </button>
      <button
        type="button"
        class={`button ${danger ? "danger" : "primary"}`}
        disabled={busy || !ready}
        onClick={yes}
        ref={danger ? null : button}
      >
        {busy ? words.queues.working : confirm}
      </button>
    </>
  );
  return (
    <Dialog title={title} close={no} footer={footer}>
      <p>{about}</p>
      {note && <Note {...note} />}
    </Dialog>
  );
}

export function Note({ value, set }: { value: string; set: (value: string) => void }) {
  return (
    <div class="field">
      <label for="note">{words.editor.note}</label>
      <input
        id="note"
        class="input"
        dir="auto"
        maxLength={500}
        autocomplete="off"
        value={value}
        onInput={(event) => set(event.currentTarget.value)}
      />
    </div>
  );
}

// --- toasts ---

type Action = { label: string; do: () => void };
type Toast = { id: number; text: string; icon: IconName; action: Action | null };
let show: ((toast: Toast) => void) | null = null;
let count = 0;

const SEEN_MS = 5_000;
/** What can be undone stays longer. */
const UNDO_MS = 12_000;

export function toast(
  text: string,
  { icon = "check", action = null }: { icon?: IconName; action?: Action | null } = {},
) {
  show?.({ id: ++count, text, icon, action });
}

export function Toasts() {
  const [all, set] = useState<Toast[]>([]);
  useEffect(() => {
    show = (one) => {
      set((before) => [...before.slice(-2), one]);
      setTimeout(() => set((before) => before.filter((each) => each.id !== one.id)), one.action ? UNDO_MS : SEEN_MS);
    };
    return () => {
      show = null;
    };
  }, []);
  const drop = (id: number): void => set((before) => before.filter((each) => each.id !== id));
  return (
    <div class="toasts" role="status" aria-live="polite">
      {all.map(({ id, icon, text, action }) => (
        <div class="toast fades" key={id}>
          <Icon name={icon} />
          <span class="grow">{text}</span>
          {action && (
            <button
              type="button"
              onClick={() => {
                drop(id);
                action.do();
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" class="dismiss" aria-label={words.parts.dismiss} onClick={() => drop(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

// --- times ---

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** As somebody reads it here; a time that no calendar has stands as the number it is. */
export function moment(at: number, fine = false): { short: string; long: string; iso: string } {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return { short: String(at), long: String(at), iso: "" };
  const time = fine ? second : clock;
  const today = then.toDateString() === new Date().toDateString();
  return {
    short: today ? time.format(then) : `${date.format(then)}, ${time.format(then)}`,
    long: full.format(then),
    iso: then.toISOString(),
  };
}

export function Time({ at, fine = false }: { at: number; fine?: boolean }) {
  const { short, long, iso } = moment(at, fine);
  return (
    <time dateTime={iso} title={long}>
      {short}
    </time>
  );
}

/** A sentence without the time that stands beside it; `fine` where it was told to the second. */
export function timeless(text: string, at: number): { text: string; fine: boolean } {
  for (const found of text.matchAll(/ (?:at|since) (?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d)(:\d\d)?(?!:?\d)/g)) {
    const [said, day, minute, second = ""] = found;
    const then = new Date(at);
    const two = (part: number): string => String(part).padStart(2, "0");
    const date = `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
    const clock = `${two(then.getHours())}:${two(then.getMinutes())}`;
    if (minute !== clock || (day && day !== date) || (second && second !== `:${two(then.getSeconds())}`)) continue;
    return { text: text.slice(0, found.index) + text.slice(found.index + said.length), fine: second !== "" };
  }
  return { text, fine: false };
}

export const shown = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(shown).join(", ")
    : typeof value === "string"
      ? value
      : (JSON.stringify(value) ?? "");
