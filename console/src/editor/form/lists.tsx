// Lists in the form: names as chips, a button that adds, a button that removes.

import type { ComponentChildren } from "preact";

import { Icon } from "../../ui/icons.js";
import { words } from "../../words.js";
import { leadTo } from "../lead.js";

type NamesProps = {
  names: string[];
  place: string;
  readOnly: boolean;
  remove: (name: string) => void;
  children: ComponentChildren;
};

export function Names({ names, place, readOnly, remove, children }: NamesProps) {
  return (
    <div class="row">
      {names.map((name) => (
        <span class={`chip ${readOnly ? "fixed" : ""}`} key={name}>
          <bdi class="cut" title={name}>
            {name}
          </bdi>
          {!readOnly && <Remove label={words.form.remove(name)} act={() => remove(name)} place={place} icon="close" />}
        </span>
      ))}
      {!readOnly && children}
    </div>
  );
}

type AddProps = { label: string; act: () => void; place?: string };

/** What gives way to what it adds has a `place`: the focus goes to the first field there. */
export function Add({ label, act, place }: AddProps) {
  return (
    <div class="row" data-place={place}>
      <button type="button" class="button" onClick={() => then(act, place)}>
        <Icon name="plus" />
        {label}
      </button>
    </div>
  );
}

type RemoveProps = AddProps & { icon?: "trash" | "close" };

/** It goes with what it removes: the focus stays at the `place`. */
export function Remove({ label, act, place, icon = "trash" }: RemoveProps) {
  return (
    <button
      type="button"
      class="button plain tiny icon"
      aria-label={label}
      title={label}
      onClick={() => then(act, place)}
    >
      <Icon name={icon} />
    </button>
  );
}

function then(act: () => void, place: string | undefined): void {
  act();
  if (place) setTimeout(() => leadTo(place.split(".")));
}
