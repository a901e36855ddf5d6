// Catalogs: which row of one is looked up for a message, asked for when somebody chooses a column of it.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Catalogs, SuggestionGroup } from "../api.js";
import type { Lookup, Outline } from "../draft/text.js";
import { Icon } from "../ui/icons.js";
import { type Option, Picker } from "../ui/picker.js";
import { words } from "../words.js";

type Catalog = Catalogs["catalogs"][number];

const STEP = /(?:\.([A-Za-z_]\w{0,200})|\["((?:[^"\\]|\\.){1,200})"\])/y;

/** The catalog and the column that a name such as `Catalog.products["List price"]` stands for. */
export function columnOf(insert: string): { catalog: string; column: string } | null {
  if (!insert.startsWith("Catalog")) return null;
  STEP.lastIndex = "Catalog".length;
  const catalog = STEP.exec(insert);
  const column = catalog && STEP.exec(insert);
  if (!catalog || !column) return null;
  return { catalog: named(catalog), column: named(column) };
}

const named = ([, plain, quoted]: RegExpExecArray): string => plain ?? (JSON.parse(`"${quoted}"`) as string);

const step = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

/** The menu with the columns of all catalogs: those that no row is looked up in yet, too. The others are in it already. */
export function withCatalogs(groups: SuggestionGroup[], catalogs: Catalog[], lookedUp: string[]): SuggestionGroup[] {
  const items = catalogs
    .filter(({ name }) => !lookedUp.includes(name))
    .flatMap(({ name, columns }) =>
      columns.map((column) => ({
        insert: `Catalog${step(name)}${step(column)}`,
        label: column,
        note: words.form.catalogNote(name),
      })),
    );
  return items.length ? [...groups, { group: words.form.catalogGroup, items }] : groups;
}

/** The column that a property names: `product_name` is a Name, `product_id` an Identity. */
export function columnLike(property: string, columns: string[]): string {
  const last =
    property
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .at(-1) ?? "";
  const wanted = [last === "id" ? "identity" : last, "name", "title", "sku", "identity", "id"];
  for (const name of wanted) {
    const found = columns.find((each) => each.toLowerCase() === name);
    if (found) return found;
  }
  return columns[0] ?? "";
}

type AskProps = {
  catalog: string;
  columns: string[];
  properties: Option[];
  done: (lookup: Lookup | null) => void;
};

/** Guesses the row: the column and the property whose names say that they name the thing. */
export function AskLookup({ catalog, columns, properties, done }: AskProps) {
  const likely = properties[0]?.value ?? "";
  const [column, setColumn] = useState(columnLike(likely, columns));
  const [property, setProperty] = useState(likely);
  const group = useRef<HTMLDivElement>(null);
  // On the button where both were guessed, else on what is to be said.
  useEffect(() => group.current?.querySelector<HTMLElement>("button:not(:disabled)")?.focus(), []);
  return (
    <div class="ask fades" role="group" aria-label={words.form.lookup(catalog)} ref={group}>
      <span>{words.form.lookupAbout(catalog)}</span>
      <Picker
        mono
        label={words.form.lookupColumn(catalog)}
        value={column}
        options={columns.map((value) => ({ value }))}
        set={setColumn}
      />
      <span>{words.form.lookupEquals}</span>
      <Picker mono label={words.form.lookupProperty} value={property} options={properties} set={setProperty} />
      <button
        type="button"
        class="button tiny primary"
        disabled={!column || !property}
        onClick={() => done({ catalog, column, property })}
      >
        {words.form.lookupUse}
      </button>
      <button type="button" class="button tiny plain" onClick={() => done(null)}>
        {words.editor.cancel}
      </button>
    </div>
  );
}

type ListProps = { form: Outline; readOnly: boolean; remove: (lookup: Lookup) => void };

export function Lookups({ form, readOnly, remove }: ListProps) {
  if (!form.lookups.length) return null;
  return (
    <div class="stack">
      <h3>{words.form.lookups}</h3>
      <ul class="lookups">
        {form.lookups.map((each) => (
          <li key={`${each.catalog} ${each.column}`}>
            <span class="wraps">
              <code>{each.catalog}</code>: <code>{each.column}</code> = <code>{each.property}</code>
            </span>
            {!readOnly && (
              <button
                type="button"
                class="button plain tiny icon"
                aria-label={words.form.lookupRemove(each.catalog)}
                onClick={() => remove(each)}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
