// A field with a list of what fits below it. What was never seen may be typed as well: an event may be still to come.

import Combobox from "@github/combobox-nav";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

import { words } from "../words.js";
import { Icon } from "./icons.js";

export type Option = { value: string; note?: string | undefined };

type Props = {
  label: string;
  value: string;
  options: Option[];
  set: (value: string) => void;
  placeholder?: string;
  /** After choosing, the field is empty again: what was chosen stands elsewhere. */
  adds?: boolean;
  /** Emptied, it says nothing. */
  optional?: boolean;
  disabled?: boolean;
  invalid?: boolean;
  id?: string;
  mono?: boolean;
  /** In the place of the list where there is nothing to choose from. */
  nothing?: string;
  described?: string | undefined;
};

const MOST_SHOWN = 60;

/** Those with what was typed in them; what begins with it comes first, else they stay in their order. */
export function fittingOf(options: Option[], typed: string): Option[] {
  const query = typed.trim().toLowerCase();
  const found = options.filter(({ value }) => value.toLowerCase().includes(query));
  const begins = ({ value }: Option): number => (value.toLowerCase().startsWith(query) ? 0 : 1);
  return found.sort((a, b) => begins(a) - begins(b)).slice(0, MOST_SHOWN);
}

export function Picker(props: Props) {
  const { label, value, options, set, placeholder, adds = false, disabled = false, invalid = false, id } = props;
  const { mono = false, nothing = "", described, optional = false } = props;
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
  const fitting = fittingOf(options, query);
  const visible = open && fitting.length > 0 && !disabled;

  // Made once: when it ends it takes the roles of the field away, and nothing would put them back.
  useEffect(() => {
    if (!input.current || !list.current) return;
    const field = input.current;
    const all = list.current;
    const nav = new Combobox(field, all, {
      tabInsertsSuggestions: false,
      firstOptionSelectionMode: "none",
      scrollIntoViewOptions: { block: "nearest" },
    });
    combobox.current = nav;
    const commit = (event: Event): void => chosen.current((event.target as HTMLElement).dataset["value"] ?? "");
    all.addEventListener("combobox-commit", commit);
    return () => {
      all.removeEventListener("combobox-commit", commit);
      nav.destroy();
      combobox.current = null;
    };
  }, []);
  useLayoutEffect(() => {
    if (visible) combobox.current?.start();
    else combobox.current?.stop();
  }, [visible]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list needs another choice
  useLayoutEffect(() => combobox.current?.clearSelection(), [query]);

  const choose = (wanted: string): void => {
    setOpen(false);
    setTyped(false);
    if ((wanted.trim() || optional) && (adds || wanted !== value)) set(wanted.trim());
    type(adds ? "" : wanted);
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
        ref={input}
        id={id}
        class={`input ${mono ? "mono" : ""}`}
        type="text"
        role="combobox"
        aria-expanded="false"
        autocomplete="off"
        spellcheck={false}
        aria-label={label}
        aria-autocomplete="list"
        aria-controls={listId}
        aria-invalid={invalid}
        aria-describedby={described}
        data-pending={adds ? text !== "" : text !== value}
        value={text}
        placeholder={placeholder}
        disabled={disabled}
        onInput={(event) => {
          type(event.currentTarget.value);
          setTyped(true);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onBlur={left}
        onKeyDown={keys}
      />
      {!disabled && <Icon name="down" class="chevron" />}
      <ul
        ref={list}
        id={listId}
        role="listbox"
        tabIndex={-1}
        aria-label={words.parts.fits(label)}
        hidden={!visible}
        onMouseDown={(event) => event.preventDefault()}
      >
        {(visible ? fitting : []).map((option) => (
          <li role="option" key={option.value} id={`${listId}-${option.value}`} data-value={option.value}>
            <span class={`cut ${mono ? "mono" : ""}`}>{option.value}</span>
            {option.note && <small>{option.note}</small>}
          </li>
        ))}
      </ul>
      {open && nothing && !options.length && !disabled && <p class="nothing">{nothing}</p>}
    </div>
  );
}
