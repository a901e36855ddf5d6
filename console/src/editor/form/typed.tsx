import { useLayoutEffect, useState } from "preact/hooks";

type Props = {
  value: string;
  set: (value: string) => void;
  mono?: boolean;
  id?: string;
  placeholder?: string;
  disabled?: boolean;
  label?: string;
  invalid?: boolean;
  described?: string;
};

/** A field that hands on what it has when one leaves it, or at Enter: half an expression is no edit. */
export function Typed({ value, set, mono = false, described, ...more }: Props) {
  const [text, type] = useState(value);
  useLayoutEffect(() => type(value), [value]);
  const done = (): void => {
    if (text.trim() !== value) set(text.trim());
  };
  return (
    <input
      class={`input ${mono ? "mono" : ""}`}
      type="text"
      spellcheck={false}
      autocomplete="off"
      id={more.id}
      placeholder={more.placeholder}
      disabled={more.disabled}
      aria-label={more.label}
      aria-invalid={more.invalid ?? false}
      aria-describedby={described}
      data-pending={text !== value}
      value={text}
      onInput={(event) => type(event.currentTarget.value)}
      onBlur={done}
      onKeyDown={(event) => event.key === "Enter" && done()}
    />
  );
}
