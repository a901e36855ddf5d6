// What counts as a conversion of a campaign's messages: an event about the same value that follows them.

import * as text from "../../draft/text.js";
import { Mistakes } from "../../ui/parts.js";
import { Picker } from "../../ui/picker.js";
import { words } from "../../words.js";
import { Add, Names, Remove } from "./lists.js";
import type { FormProps } from "./props.js";
import { Typed } from "./typed.js";

const SPANS = ["1 day", "3 days", "7 days", "14 days", "30 days"].map((value) => ({ value }));

export function Conversions(props: FormProps) {
  const { form, edit, mistaken, readOnly } = props;
  const { convert } = form;
  if (!convert) {
    if (readOnly) return null;
    const add = (): void => edit((source) => text.setWhole(source, ["convert"], { within: "7 days" }));
    return <Add label={words.rules.addConvert} act={add} place="convert" />;
  }
  return (
    <fieldset class="stack framed" data-place="convert">
      <legend>{words.rules.convert}</legend>
      <Events {...props} of="on" names={convert.on} />
      <div class="two">
        <div class="field" data-place="convert.within">
          <label for="convert-within">{words.rules.convertWithin}</label>
          <Picker
            id="convert-within"
            label={words.rules.convertWithin}
            value={convert.within}
            options={SPANS}
            placeholder="7 days"
            disabled={readOnly}
            optional
            invalid={mistaken("convert", "within").length > 0}
            set={(value) => edit((source) => text.setRule(source, ["convert", "within"], value))}
          />
          <Mistakes of={mistaken("convert", "within")} />
        </div>
        <Path {...props} of="amount" value={convert.amount} />
        <Path {...props} of="currency" value={convert.currency} />
      </div>
      <Events {...props} of="undone_by" names={convert.undone_by} />
      {!readOnly && (
        <div class="row">
          <span class="help grow">{words.rules.convertAbout}</span>
          <Remove
            label={words.rules.removeConvert}
            act={() => edit((source) => text.removeConvert(source))}
            place="convert"
          />
        </div>
      )}
    </fieldset>
  );
}

function Path({ of, value, edit, mistaken, readOnly }: FormProps & { of: "amount" | "currency"; value: string }) {
  const [label, placeholder] = words.rules.convertFields[of];
  const mistakes = mistaken("convert", of);
  return (
    <div class="field" data-place={`convert.${of}`}>
      <label for={`convert-${of}`}>{label}</label>
      <Typed
        id={`convert-${of}`}
        mono
        value={value}
        placeholder={placeholder}
        disabled={readOnly}
        invalid={mistakes.length > 0}
        set={(next) => edit((source) => text.setRule(source, ["convert", of], next))}
      />
      <Mistakes of={mistakes} />
    </div>
  );
}

type EventsProps = FormProps & { of: "on" | "undone_by"; names: string[] };

function Events({ of, names, form, seen, edit, mistaken, readOnly }: EventsProps) {
  const [label, placeholder] = words.rules.convertEvents[of];
  const set = (next: string[]): void => edit((source) => text.setConverting(source, of, next));
  const known = [...form.did_not, ...(seen?.events ?? []).map((event) => event.name)];
  const open = [...new Set(known)].filter((name) => !names.includes(name)).map((value) => ({ value }));
  return (
    <div class="field" data-place={`convert.${of}`}>
      <span class="label">{label}</span>
      <Names
        names={names}
        place={`convert.${of}`}
        readOnly={readOnly}
        remove={(name) => set(names.filter((each) => each !== name))}
      >
        <Picker
          adds
          label={label}
          value=""
          options={open}
          placeholder={names.length ? words.form.orEvent : placeholder(form.did_not)}
          invalid={mistaken("convert", of).length > 0}
          set={(name) => !names.includes(name) && set([...names, name])}
        />
      </Names>
      <Mistakes of={mistaken("convert", of)} />
    </div>
  );
}
