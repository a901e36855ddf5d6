// Messages to compare: each user gets one of them. A variant says only what it says in another way.

import type { Mistake } from "../../api.js";
import type { Variant } from "../../draft/rules.js";
import * as text from "../../draft/text.js";
import { Mistakes } from "../../ui/parts.js";
import { Picker } from "../../ui/picker.js";
import { words } from "../../words.js";
import { ValueField } from "../fields.js";
import { Add, Remove } from "./lists.js";
import type { FormProps } from "./props.js";
import { Typed } from "./typed.js";

const NAMES = "abcdefghij".split("");

type Props = FormProps & { keys: string[] };

export function Variants(props: Props) {
  const { form, keys, edit, mistaken, readOnly } = props;
  const { variants } = form.rules;
  const [first] = keys;
  const fresh = (taken: string[]): string => NAMES.find((name) => !taken.includes(name)) ?? "";
  const add = (): void => {
    if (first === undefined) return;
    const name = fresh(variants.map((each) => each.name));
    // One alone would be everybody's.
    const all = variants.length ? [name] : [name, fresh([name])];
    edit((source) => {
      const values = { [first]: text.saidOf(source, first) };
      return all.reduce((before, each) => text.addTo(before, ["send", "variants"], { name: each, values }), source);
    });
  };
  return (
    <div class="stack" data-place="send.variants">
      {variants.map((variant, number) => (
        <One key={number} {...props} variant={variant} number={number} />
      ))}
      <Mistakes of={mistaken("send", "variants")} />
      {!readOnly && first !== undefined && variants.length < NAMES.length && (
        <Add label={words.rules.addVariant(variants.length > 0)} act={add} />
      )}
      {variants.length > 0 && <p class="help">{words.rules.variantsAbout}</p>}
    </div>
  );
}

function One(props: Props & { variant: Variant; number: number }) {
  const { variant, number, keys, edit, steps, suggestions, mistakes, mistaken, readOnly } = props;
  const at = ["send", "variants", number];
  const said = variant.pairs.map((pair) => pair.key);
  const open = keys.filter((key) => key && !said.includes(key));
  const setValue = (key: string, value: string): void =>
    edit((source) => text.setVariantValue(source, number, key, value), `variant ${number} ${key}`);
  return (
    <fieldset class="stack framed" data-place={at.join(".")}>
      <legend>{words.rules.variant(variant.name)}</legend>
      <div class="row small">
        {words.rules.variantName}
        <span class="short">
          <Typed
            label={words.rules.nameOfVariant(number + 1)}
            value={variant.name}
            disabled={readOnly}
            set={(value) => edit((source) => text.setText(source, [...at, "name"], value))}
          />
        </span>
        {words.rules.weight}
        <span class="short">
          <Typed
            label={words.rules.weightOf(variant.name)}
            value={variant.weight}
            placeholder="1"
            disabled={readOnly}
            set={(value) => edit((source) => text.setRule(source, [...at, "weight"], value, { number: true }))}
          />
        </span>
        <span class="grow" />
        {!readOnly && (
          <Remove
            label={words.rules.removeVariant(variant.name)}
            place="send.variants"
            act={() => edit((source) => text.removeFrom(source, ["send", "variants"], number))}
          />
        )}
      </div>
      {variant.pairs.map((pair) => (
        <div class="pair of-variant" key={pair.key} data-place={[...at, "values", pair.key].join(".")}>
          <code class="cut" title={pair.key}>
            {pair.key}
          </code>
          <ValueField
            label={words.rules.valueOf(pair.key, variant.name)}
            value={pair.value}
            set={(value) => setValue(pair.key, value)}
            problems={problemsOf(mistakes, [...at, "values", pair.key])}
            suggestions={suggestions}
            readOnly={readOnly}
            steps={steps}
            askLookup={() => false}
          />
          {!readOnly && said.length > 1 && (
            <Remove
              icon="close"
              label={words.rules.asAll(pair.key, variant.name)}
              place={at.join(".")}
              act={() => edit((source) => text.removeVariantValue(source, number, pair.key))}
            />
          )}
        </div>
      ))}
      {!readOnly && open.length > 0 && (
        <Picker
          adds
          label={words.rules.another(variant.name)}
          value=""
          options={open.map((value) => ({ value }))}
          placeholder={words.rules.anotherKey}
          set={(key) => edit((source) => text.setWhole(source, [...at, "values", key], text.saidOf(source, key)))}
        />
      )}
      <Mistakes of={mistaken(...at)} />
    </fieldset>
  );
}

const problemsOf = (mistakes: Mistake[], path: (string | number)[]) =>
  mistakes
    .filter((each) => each.path.length === path.length && path.every((step, n) => each.path[n] === step))
    .map(({ message, template_line, template_column }) => ({
      message,
      line: template_line ?? 1,
      column: template_column ?? 1,
    }));
