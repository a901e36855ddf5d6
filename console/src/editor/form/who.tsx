// Whom a campaign is for: the events that they did and did not do, and in which time.

import * as text from "../../draft/text.js";
import { Icon } from "../../ui/icons.js";
import { memo } from "../../ui/memo.js";
import { Hints, Mistakes, Segmented, toast } from "../../ui/parts.js";
import { type Option, Picker } from "../../ui/picker.js";
import { words } from "../../words.js";
import type { FormProps } from "./props.js";
import { Typed } from "./typed.js";

const DURATIONS: Option[] = ["10 minutes", "30 minutes", "1 hour", "4 hours", "24 hours", "3 days", "7 days"].map(
  (value) => ({ value }),
);

export const Who = memo((props: FormProps) => {
  const { form, edit, seen, mistaken, hinted, readOnly } = props;
  const named = [...form.did, ...form.did_not];
  const options = (seen?.events ?? [])
    .map((event) => ({ value: event.name, note: words.form.properties(event.properties.length) }))
    .filter((each) => !named.includes(each.value));
  const nothing = seen && !seen.events.length ? words.form.noEvents : "";
  const within = [...mistaken("when", "within"), ...mistaken("when")];
  return (
    <section class="card" aria-labelledby="who">
      <header>
        <span class="step">1</span>
        <h2 id="who" tabIndex={-1}>
          {words.form.who}
        </h2>
        <span class="help">{words.form.whoAbout}</span>
      </header>
      <div class="body">
        <div class="lines">
          <span class="label">{words.form.did}</span>
          <div class="stack" data-place="when.did when.did_any">
            <Events {...props} of="did" label={words.form.didLabel} options={options} nothing={nothing} />
            {form.did.length > 1 && (
              <div class="row">
                <Segmented
                  label={words.form.allOrAny}
                  value={form.any ? "any" : "all"}
                  disabled={readOnly}
                  options={[
                    ["all", words.form.all],
                    ["any", words.form.any],
                  ]}
                  set={(value) => edit((source) => text.setAny(source, value === "any"))}
                />
              </div>
            )}
            <Mistakes of={[...mistaken("when", "did"), ...mistaken("when", "did_any")]} />
            <Hints of={[...hinted("when", "did"), ...hinted("when", "did_any")]} />
          </div>
          <span class="label">{words.form.didNot}</span>
          <div class="stack" data-place="when.did_not">
            <Events {...props} of="did_not" label={words.form.didNotLabel} options={options} nothing={nothing} />
            <Mistakes of={mistaken("when", "did_not")} />
            <Hints of={hinted("when", "did_not")} />
          </div>
          <span class="label">{words.form.within}</span>
          <div class="stack" data-place="when.within when">
            <div class="row">
              <Picker
                label={words.form.withinLabel}
                value={form.within}
                options={DURATIONS}
                disabled={readOnly}
                invalid={within.length > 0}
                described="within-mistakes"
                set={(value) => edit((source) => text.setText(source, ["when", "within"], value))}
              />
              <span class="help">{words.form.withinAbout}</span>
            </div>
            <Mistakes id="within-mistakes" of={within} />
          </div>
        </div>
      </div>
    </section>
  );
});

type EventsProps = FormProps & { of: "did" | "did_not"; label: string; options: Option[]; nothing: string };

function Events({ form, of, label, options, nothing, edit, steps, mistaken, readOnly }: EventsProps) {
  const names = form[of];
  const more = of === "did" && !form.any ? words.form.andEvent : words.form.orEvent;
  const remove = (name: string): void => {
    edit((source) =>
      text.setNames(
        source,
        of,
        names.filter((each) => each !== name),
      ),
    );
    toast(words.form.removed(name), { action: { label: words.editor.undo, do: steps.undo } });
  };
  return (
    <div class="row">
      {names.map((name, at) => (
        <span class={`chip ${readOnly ? "fixed" : ""}`} key={name}>
          {at > 0 && <small class="quiet">{more.replace(" …", "")}</small>}
          <bdi class="cut" title={name}>
            {name}
          </bdi>
          {!readOnly && (
            <button
              type="button"
              class="button plain tiny icon"
              aria-label={words.form.remove(name)}
              onClick={() => remove(name)}
            >
              <Icon name="close" />
            </button>
          )}
        </span>
      ))}
      {!readOnly && (
        <Picker
          adds
          label={label}
          value=""
          options={options}
          nothing={nothing}
          invalid={mistaken("when", of).length > 0}
          placeholder={names.length ? more : words.form.event}
          set={(name) => !names.includes(name) && edit((source) => text.setNames(source, of, [...names, name]))}
        />
      )}
      {readOnly && names.length === 0 && (
        <span class="help">{of === "did" ? words.form.anything : words.form.nothing}</span>
      )}
    </div>
  );
}

/** What few campaigns need: at the end, and closed where nothing of it is said. */
export const Tuning = memo(({ form, edit, mistaken, hinted, readOnly }: FormProps) => {
  const named = text.namedBy(form);
  const wrong =
    named.some((event) => mistaken("when", "where", event).length) ||
    mistaken("when", "settle").length ||
    mistaken("when", "max_age").length ||
    mistaken("when", "grace").length;
  const said = Object.keys(form.where).length || form.settle || form.max_age || form.grace;
  if (!named.length && !said) return null;
  return (
    <section class="card" aria-label={words.form.tuning}>
      <div class="body first">
        <details open={Boolean(said || wrong)}>
          <summary>{words.form.tuning}</summary>
          <div class="stack">
            {named.map((event) => (
              <div class="field" key={event} data-place={`when.where.${event}`}>
                <label for={`where-${event}`}>{words.form.where(event)}</label>
                <Typed
                  id={`where-${event}`}
                  mono
                  value={form.where[event] ?? ""}
                  placeholder={words.form.wherePlaceholder}
                  disabled={readOnly}
                  invalid={mistaken("when", "where", event).length > 0}
                  set={(value) => edit((source) => text.setFilter(source, event, value))}
                />
                <Mistakes of={mistaken("when", "where", event)} />
                <Hints of={hinted("when", "where", event)} />
              </div>
            ))}
            <div class="two">
              <Time
                of="settle"
                label={words.form.settle}
                about={words.form.settleAbout}
                placeholder={words.form.settlePlaceholder}
                {...{ form, edit, mistaken, readOnly }}
              />
              <Time
                of="max_age"
                label={words.form.maxAge}
                about={words.form.maxAgeAbout}
                placeholder={words.form.maxAgePlaceholder}
                {...{ form, edit, mistaken, readOnly }}
              />
              <Time
                of="grace"
                label={words.form.grace}
                about={words.form.graceAbout}
                placeholder={words.form.gracePlaceholder}
                {...{ form, edit, mistaken, readOnly }}
              />
            </div>
          </div>
        </details>
      </div>
    </section>
  );
});

type TimeProps = Pick<FormProps, "form" | "edit" | "mistaken" | "readOnly"> & {
  of: "settle" | "max_age" | "grace";
  label: string;
  about: string;
  placeholder: string;
};

function Time({ of, label, about, placeholder, form, edit, mistaken, readOnly }: TimeProps) {
  return (
    <div class="field" data-place={`when.${of}`}>
      <label for={of}>{label}</label>
      <Typed
        id={of}
        value={form[of]}
        placeholder={placeholder}
        disabled={readOnly}
        invalid={mistaken("when", of).length > 0}
        described={`${of}-about`}
        set={(value) => edit((source) => text.setText(source, ["when", of], value, { optional: true }))}
      />
      <span class="help" id={`${of}-about`}>
        {about}
      </span>
      <Mistakes of={mistaken("when", of)} />
    </div>
  );
}
