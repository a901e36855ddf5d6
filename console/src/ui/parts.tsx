// The small parts that all pages are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { ApiError } from "../api.js";
import { Icon, type IconName } from "./icons.js";

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
      {retry && <button type="button" class="button tiny" onClick={retry}>Try again</button>}
    </Notice>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} stroke-width="1.3" />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** In the place and of the height of what is still on its way. */
export function Skeleton({ height, count = 1 }: { height: string; count?: number }) {
  return (
    <div class="stack" role="status" aria-label="Loading">
      {Array.from({ length: count }, (_, n) => <Block key={n} height={height} />)}
    </div>
  );
}

function Block({ height }: { height: string }) {
  const at = useRef<HTMLDivElement>(null);
  useEffect(() => at.current?.style.setProperty("height", height), [height]);
  return <div class="skeleton" ref={at} />;
}

export function Mistakes({ of }: { of: string[] }) {
  return <>{of.map((message) => <p class="mistake" key={message}><Icon name="warning" />{message}</p>)}</>;
}

export function Hints({ of }: { of: string[] }) {
  return <>{of.map((message) => <p class="hint" key={message}><Icon name="info" />{message}</p>)}</>;
}

export function Copy({ text, label }: { text: string; label: string }) {
  const [copied, set] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      set(true);
      setTimeout(() => set(false), 1600);
    } catch {
      toast("The browser does not allow copying here: select the text, and copy it with the keyboard.", "warning");
    }
  };
  return (
    <button type="button" class="button tiny" onClick={copy} aria-label={copied ? "Copied" : label}>
      <Icon name={copied ? "check" : "copy"} /> {copied ? "Copied" : "Copy"}
    </button>
  );
}

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div class="with-copy">
      <pre class="code" tabIndex={0} role="region" aria-label={label}>{text}</pre>
      <Copy text={text} label={`Copy ${label}`} />
    </div>
  );
}

export function Segmented<T extends string>({ label, value, options, set }: { label: string; value: T; options: readonly (readonly [T, string])[]; set: (value: T) => void }) {
  return (
    <div class="segmented" role="group" aria-label={label}>
      {options.map(([each, said]) => (
        <button type="button" key={each} aria-pressed={each === value} onClick={() => set(each)}>{said}</button>
      ))}
    </div>
  );
}

/** A native dialog: the browser keeps the focus in it, and gives it back. */
export function Dialog({ title, close, children, footer, className = "" }: { title: ComponentChildren; close: () => void; children: ComponentChildren; footer?: ComponentChildren; className?: string }) {
  const at = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = at.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  const outside = (event: MouseEvent): void => {
    if (event.target === at.current) close();
  };
  return (
    <dialog ref={at} class={className} onCancel={(event) => (event.preventDefault(), close())} onMouseDown={outside} aria-labelledby="dialog-title">
      <header>
        <h2 class="grow" id="dialog-title">{title}</h2>
        <button type="button" class="button plain icon" aria-label="Close" onClick={close}><Icon name="close" /></button>
      </header>
      <div class="body" tabIndex={-1}>{children}</div>
      {footer && <footer>{footer}</footer>}
    </dialog>
  );
}

// --- toasts ---

type Toast = { id: number; text: string; icon: IconName };
let show: ((toast: Toast) => void) | null = null;
let count = 0;

export function toast(text: string, icon: IconName = "check"): void {
  show?.({ id: ++count, text, icon });
}

export function Toasts() {
  const [all, set] = useState<Toast[]>([]);
  useEffect(() => {
    show = (one) => {
      set((before) => [...before.slice(-2), one]);
      setTimeout(() => set((before) => before.filter((each) => each.id !== one.id)), 5000);
    };
    return () => {
      show = null;
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {all.map((each) => <div class="toast fades" key={each.id}><Icon name={each.icon} />{each.text}</div>)}
    </div>
  );
}

// --- times and numbers ---

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const amount = new Intl.NumberFormat();

export const number = (value: number): string => amount.format(value);
export const many = (value: number, one: string, more: string): string => `${number(value)} ${value === 1 ? one : more}`;

export function Time({ at }: { at: number }) {
  const moment = new Date(at);
  const today = moment.toDateString() === new Date().toDateString();
  return <time dateTime={moment.toISOString()} title={full.format(moment)}>{today ? clock.format(moment) : `${date.format(moment)}, ${clock.format(moment)}`}</time>;
}

export const shown = (value: unknown): string => (Array.isArray(value) ? value.map(shown).join(", ") : typeof value === "string" ? value : JSON.stringify(value));
