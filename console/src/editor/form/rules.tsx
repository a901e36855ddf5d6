// What stands between due and sent, and whether it works. All of it may be left out: a part is closed where nothing is said.

import { type ComponentChildren, Fragment } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import type { CampaignRow } from "../../api.js";
import { DAYS } from "../../draft/rules.js";
import * as text from "../../draft/text.js";
import { memo } from "../../ui/memo.js";
import { Hints, Mistakes, Segmented } from "../../ui/parts.js";
import { type Option, Picker } from "../../ui/picker.js";
import { words } from "../../words.js";
import { Conversions } from "./convert.js";
import { Add, Names, Remove } from "./lists.js";
import type { FormProps } from "./props.js";
import { Typed } from "./typed.js";
import { Variants } from "./variants.js";

/** `keys` are those of the message's pairs. */
type Props = FormProps & { others: CampaignRow[]; keys: string[] };

export const Rules = memo((props: Props) => {
  const { rules, convert } = props.form;
  const wrong = (...keys: string[]): boolean => keys.some((key) => props.mistaken("send", key).length > 0);
  const { variants, control } = rules;
  const measured = variants.length > 0 || control !== "" || convert !== null;
  return (
    <section class="card" aria-labelledby="rules">
      <header>
        <span class="step">4</span>
        <h2 id="rules" tabIndex={-1}>
          {words.rules.title}
        </h2>
        <span class="help">{words.rules.about}</span>
      </header>
      <div class="body parts">
        <Part
          title={words.rules.when}
          said={Boolean(rules.audience || rules.start || rules.end || rules.hours)}
          wrong={wrong("audience", "start", "end", "hours")}
        >
          <Field {...props} of="audience" mono />
          <div class="two">
            <Field {...props} of="start" />
            <Field {...props} of="end" />
          </div>
          <HoursOf {...props} />
        </Part>
        <Part
          title={words.rules.often}
          said={Boolean(rules.again_after || rules.caps.length || rules.priority || rules.instead_of.length)}
          wrong={wrong("again_after", "per_user", "priority", "instead_of")}
        >
          <Field {...props} of="again_after" options={SPANS} />
          <Caps {...props} />
          <InsteadOf {...props} />
          <Field {...props} of="priority" number />
        </Part>
        <Part
          title={words.rules.works}
          said={measured}
          wrong={wrong("control", "variants") || props.mistakes.some(({ path }) => path[0] === "convert")}
        >
          <Field {...props} of="control" />
          <Conversions {...props} />
          <Variants {...props} />
        </Part>
      </div>
    </section>
  );
});

type PartProps = { title: string; said: boolean; wrong: boolean; children: ComponentChildren };

/** Open where it says something; once it is open, it stays so. */
function Part({ title, said, wrong, children }: PartProps) {
  const [open, set] = useState(said || wrong);
  useEffect(() => {
    if (said || wrong) set(true);
  }, [said, wrong]);
  return (
    <details open={open} onToggle={(event) => set(event.currentTarget.open)}>
      <summary>{title}</summary>
      <div class="stack">{children}</div>
    </details>
  );
}

const options = (of: string[]): Option[] => of.map((value) => ({ value }));
const SPANS = options(["1 hour", "1 day", "3 days", "7 days", "30 days"]);

type FieldProps = Props & {
  of: "audience" | "start" | "end" | "again_after" | "priority" | "control";
  mono?: boolean;
  number?: boolean;
  options?: Option[];
};

/** One scalar under `send`. */
function Field({ of, mono = false, number = false, options: list, ...props }: FieldProps) {
  const { form, edit, mistaken, hinted, readOnly } = props;
  const [label, placeholder, about] = words.rules.fields[of];
  const mistakes = mistaken("send", of);
  const shared = {
    id: of,
    value: form.rules[of],
    placeholder,
    disabled: readOnly,
    invalid: mistakes.length > 0,
    described: `${of}-about`,
    set: (value: string) => edit((source) => text.setRule(source, ["send", of], value, { number })),
  };
  return (
    <div class="field" data-place={`send.${of}`}>
      <label for={of}>{label}</label>
      {list ? <Picker {...shared} label={label} options={list} optional /> : <Typed {...shared} mono={mono} />}
      <span class="help" id={`${of}-about`}>
        {about}
      </span>
      <Mistakes of={mistakes} />
      <Hints of={hinted("send", of)} />
    </div>
  );
}

// --- when ---

const zones = (): Option[] => [
  { value: "user", note: words.rules.zoneOfUser },
  ...options(Intl.supportedValuesOf("timeZone")),
];

const ENDS = [
  { of: "from", label: "fromLabel", placeholder: "00:00" },
  { of: "to", label: "toLabel", placeholder: "24:00" },
] as const;

function HoursOf({ form, edit, mistaken, readOnly }: Props) {
  const { hours } = form.rules;
  const known = useMemo(zones, []);
  const set = (of: string, value: string): void => edit((source) => text.setRule(source, ["send", "hours", of], value));
  if (!hours) {
    if (readOnly) return null;
    const add = (): void => edit((source) => text.setWhole(source, ["send", "hours"], { from: "08:00", to: "21:00" }));
    return <Add label={words.rules.addHours} act={add} place="send.hours" />;
  }
  const flip = (day: string): void => {
    const days = DAYS.filter((each) => (each === day) !== hours.days.includes(each));
    edit((source) => text.setList(source, ["send", "hours", "days"], days.length === DAYS.length ? [] : days));
  };
  return (
    <fieldset class="stack framed" data-place="send.hours">
      <legend>{words.rules.hours}</legend>
      <div class="row">
        <span class="row small">
          {ENDS.map(({ of, label, placeholder }) => (
            <Fragment key={of}>
              {words.rules[of]}
              <span class="short">
                <Typed
                  label={words.rules[label]}
                  value={hours[of]}
                  placeholder={placeholder}
                  disabled={readOnly}
                  set={(value) => set(of, value)}
                />
              </span>
            </Fragment>
          ))}
        </span>
        <span class="grow" />
        {!readOnly && (
          <Remove
            label={words.rules.removeHours}
            act={() => edit((source) => text.setWhole(source, ["send", "hours"], null))}
            place="send.hours"
          />
        )}
      </div>
      <div class="segmented days" role="group" aria-label={words.rules.days}>
        {DAYS.map((day) => (
          <button
            type="button"
            key={day}
            aria-pressed={hours.days.includes(day)}
            disabled={readOnly || (hours.days.length === 1 && hours.days[0] === day)}
            onClick={() => flip(day)}
          >
            {words.rules.dayNames[day]}
          </button>
        ))}
      </div>
      <div class="row">
        <Picker
          label={words.rules.zone}
          value={hours.zone}
          options={known}
          placeholder={words.rules.zoneOfUser}
          disabled={readOnly}
          optional
          set={(value) => set("zone", value === "user" ? "" : value)}
        />
        <Segmented
          label={words.rules.otherwise}
          value={hours.otherwise === "withhold" ? "withhold" : "wait"}
          disabled={readOnly}
          options={[
            ["wait", words.rules.wait],
            ["withhold", words.rules.skip],
          ]}
          set={(value) => set("otherwise", value === "wait" ? "" : value)}
        />
      </div>
      <Mistakes of={mistaken("send", "hours")} />
    </fieldset>
  );
}

// --- how often ---

function Caps({ form, edit, mistaken, readOnly }: Props) {
  const { caps } = form.rules;
  const set = (at: number, key: "at_most" | "in", value: string): void =>
    edit((source) => {
      const path = [...text.itemAt(source, ["send", "per_user"], at), key];
      return text.setRule(source, path, value, { number: key === "at_most" });
    });
  return (
    <div class="stack" data-place="send.per_user">
      {caps.map((cap, number) => (
        <div class="row small" key={number} role="group" aria-label={words.rules.cap(number + 1)}>
          {words.rules.capMost}
          <span class="short">
            <Typed
              label={words.rules.capMessages}
              value={cap.at_most}
              disabled={readOnly}
              set={(value) => value && set(number, "at_most", value)}
            />
          </span>
          {words.rules.capIn}
          <Picker
            label={words.rules.capTime}
            value={cap.in}
            options={SPANS}
            disabled={readOnly}
            set={(value) => set(number, "in", value)}
          />
          {!readOnly && (
            <Remove
              label={words.rules.removeCap(number + 1)}
              place="send.per_user"
              act={() => edit((source) => text.removeFrom(source, ["send", "per_user"], number))}
            />
          )}
        </div>
      ))}
      <Mistakes of={mistaken("send", "per_user")} />
      {!readOnly && (
        <Add
          label={words.rules.addCap(caps.length > 0)}
          act={() => edit((source) => text.addTo(source, ["send", "per_user"], { at_most: 1, in: "1 day" }))}
        />
      )}
    </div>
  );
}

function InsteadOf({ form, edit, mistaken, others, readOnly }: Props) {
  const chosen = form.rules.instead_of;
  const set = (ids: string[]): void => edit((source) => text.setList(source, ["send", "instead_of"], ids));
  const open = others.filter(({ id }) => !chosen.includes(id)).map(({ id, name }) => ({ value: id, note: name }));
  return (
    <div class="field" data-place="send.instead_of">
      <span class="label">{words.rules.insteadOf}</span>
      <Names
        names={chosen}
        place="send.instead_of"
        readOnly={readOnly}
        remove={(id) => set(chosen.filter((each) => each !== id))}
      >
        <Picker
          adds
          label={words.rules.insteadOfLabel}
          value=""
          options={open}
          placeholder={words.rules.campaign}
          nothing={others.length ? "" : words.rules.noOthers}
          set={(id) => !chosen.includes(id) && set([...chosen, id])}
        />
      </Names>
      <span class="help">{words.rules.insteadOfAbout}</span>
      <Mistakes of={mistaken("send", "instead_of")} />
    </div>
  );
}
