// A field with a list of what fits below it. What was never seen may be typed as well: an event may be still to come.

import Combobox from "@github/combobox-nav";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

export type Option = { value: string; note?: string | undefined };

type Props = {
  label: string; value: string; options: Option[]; set: (value: string) => void; placeholder?: string;
  /** After choosing, the field is empty again: what was chosen stands elsewhere. */
  adds?: boolean; disabled?: boolean; invalid?: boolean; id?: string; mono?: boolean;
};

export function Picker({ label, value, options, set, placeholder, adds = false, disabled = false, invalid = false, id, mono = false }: Props) {
  const listId = useId();
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const combobox = useRef<Combobox | null>(null);
  const chosen = useRef<(value: string) => void>(() => undefined);
  const [text, type] = useState(value);
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState(false);
  useLayoutEffect(() => type(value), [value]);

  const query = typed ? text.trim().toLowerCase() : "";
  const fitting = options.filter((option) => option.value.toLowerCase().includes(query)).slice(0, 60);
  const visible = open && fitting.length > 0 && !disabled;

  useEffect(() => {
    if (!visible || !input.current || !list.current) return;
    const nav = new Combobox(input.current, list.current, { tabInsertsSuggestions: false, firstOptionSelectionMode: "none", scrollIntoViewOptions: { block: "nearest" } });
    combobox.current = nav;
    nav.start();
    const commit = (event: Event): void => chosen.current((event.target as HTMLElement).dataset["value"] ?? "");
    const options = list.current;
    options.addEventListener("combobox-commit", commit);
    return () => {
      options.removeEventListener("combobox-commit", commit);
      nav.destroy();
      combobox.current = null;
    };
  }, [visible]);
  useEffect(() => combobox.current?.clearSelection(), [query]);

  const choose = (chosen: string): void => {
    setOpen(false);
    setTyped(false);
    if (chosen.trim() && (adds || chosen !== value)) set(chosen.trim());
    type(adds ? "" : chosen);
  };
  chosen.current = choose;
  const keys = (event: KeyboardEvent): void => {
    const picked = list.current?.querySelector('[aria-selected="true"]');
    if (event.key === "Enter" && !event.isComposing && !(visible && picked)) {
      event.preventDefault();
      choose(text);
    } else if (event.key === "Escape" && visible) {
      event.stopPropagation();
      setOpen(false);
    } else if (event.key === "ArrowDown" && !visible) setOpen(true);
  };
  const left = (): void => {
    setOpen(false);
    if (adds ? text.trim() : text !== value) choose(text);
  };
  return (
    <div class="picker">
      <input
        ref={input} id={id} class={`input ${mono ? "mono" : ""}`} type="text" role="combobox" autocomplete="off" spellcheck={false}
        aria-label={label} aria-autocomplete="list" aria-expanded={visible} aria-controls={listId} aria-invalid={invalid}
        value={text} placeholder={placeholder} disabled={disabled}
        onInput={(event) => (type(event.currentTarget.value), setTyped(true), setOpen(true))}
        onFocus={() => setOpen(true)} onClick={() => setOpen(true)} onBlur={left} onKeyDown={keys}
      />
      <ul
        ref={list} id={listId} role="listbox" aria-label={`What fits: ${label}`} hidden={!visible}
        onMouseDown={(event) => event.preventDefault()}
      >
        {fitting.map((option) => (
          <li role="option" key={option.value} id={`${listId}-${option.value}`} data-value={option.value}>
            <span class={`cut ${mono ? "mono" : ""}`}>{option.value}</span>
            {option.note && <small>{option.note}</small>}
          </li>
        ))}
      </ul>
    </div>
  );
}
