// What must be the same in all events of a campaign, and whether it is in sample events.

import { useState } from "preact/hooks";

import type { JsonObject } from "../../api.js";
import type { Constant, Outline } from "../../draft/text.js";
import * as text from "../../draft/text.js";
import { Icon } from "../../ui/icons.js";
import { memo } from "../../ui/memo.js";
import { Hints, Mistakes, Notice } from "../../ui/parts.js";
import { type Option, Picker } from "../../ui/picker.js";
import { words } from "../../words.js";
import { useMatch } from "../live.js";
import { agreeing, propertiesOf } from "../sample.js";
import type { FormProps, Said } from "./props.js";
import { Typed } from "./typed.js";

/** `matched` is the text, as far as it matters to what is matched. */
export const Match = memo((props: FormProps & { matched: string }) => {
  const { form, matched, edit, mistakes, readOnly } = props;
  const named = text.namedBy(form);
  const more = (): void =>
    edit((source) => text.addConstant(source, { name: form.constants.length ? "" : "product", in: {} }));
  const broken = mistakes.some(({ path }) => path[0] === "when" || path[0] === "constant");
  return (
    <section class="card" aria-labelledby="match">
      <header>
        <span class="step">2</span>
        <h2 id="match" tabIndex={-1}>
          {words.form.match}
        </h2>
        <span class="help">{words.form.matchAbout}</span>
      </header>
      <div class="body">
        {form.constants.map((constant, at) => (
          <Held key={at} at={at} constant={constant} {...props} />
        ))}
        {form.constants.length === 0 && <p class="help">{words.form.noConstant}</p>}
        {!readOnly && (
          <div class="row">
            <button type="button" class="button" onClick={more}>
              <Icon name="plus" />
              {form.constants.length ? words.form.moreConstant : words.form.addConstant}
            </button>
          </div>
        )}
        {form.constants.length > 0 && named.length > 0 && <Check form={form} source={matched} broken={broken} />}
      </div>
    </section>
  );
});

function Held(props: FormProps & { at: number; constant: Constant }) {
  const { at, constant, form, edit, mistaken, hinted, readOnly } = props;
  const named = text.namedBy(form);
  const one = form.constants.length === 1;
  const said = (of: Said, ...rest: string[]): string[] => [
    ...of("constant", at, ...rest),
    ...(one ? of("constant", ...rest) : []),
  ];
  const whole = [...said(mistaken), ...said(mistaken, "in"), ...said(mistaken, "name")];
  const place = one ? "constant constant.in constant.0 constant.0.in" : `constant.${at} constant.${at}.in`;
  return (
    <fieldset class="stack" data-place={place}>
      <legend class="unseen">{words.form.constant(constant.name)}</legend>
      <div class="lines">
        <span class="label">{words.form.called}</span>
        <div class="row">
          <div class="grow">
            <Typed
              label={words.form.constantName}
              value={constant.name}
              placeholder="product"
              disabled={readOnly}
              invalid={said(mistaken, "name").length > 0}
              set={(name) => edit((source) => text.setConstantName(source, at, name))}
            />
          </div>
          {!readOnly && (
            <button
              type="button"
              class="button plain icon"
              aria-label={words.form.removeConstant(constant.name)}
              onClick={() => edit((source) => text.removeConstant(source, at))}
            >
              <Icon name="trash" />
            </button>
          )}
        </div>
        {named.map((event) => (
          <Where key={event} event={event} invalid={lacks(whole, event, constant)} {...props} />
        ))}
      </div>
      <Mistakes of={[...whole, ...named.flatMap((event) => said(mistaken, "in", event))]} />
      <Hints of={named.flatMap((event) => said(hinted, "in", event))} />
    </fieldset>
  );
}

/** Whether a field is one of those that a mistake about all of them is about. */
const lacks = (mistakes: string[], event: string, constant: Constant): boolean =>
  mistakes.length > 0 && !constant.in[event];

function Where(props: FormProps & { at: number; constant: Constant; event: string; invalid: boolean }) {
  const { at, constant, event, form, seen, edit, invalid, readOnly } = props;
  return (
    <>
      <span class="label wraps">
        <bdi>{words.form.inEvent(event)}</bdi>
      </span>
      <Picker
        mono
        label={words.form.propertyOf(event)}
        value={constant.in[event] ?? ""}
        options={[...comparable(propertiesOf(event, seen)), ...(form.did_not.includes(event) ? EVERY : [])]}
        placeholder={words.form.propertyPlaceholder}
        disabled={readOnly}
        invalid={invalid}
        set={(value) => edit((source) => text.setConstantPath(source, at, event, value))}
      />
    </>
  );
}

/** An exit may end all that waits for a user, whatever it is about. */
const EVERY: Option[] = [{ value: words.form.every, note: words.form.everyAbout }];

/** What can be equal to something: no objects, and no lists of them. */
function comparable(all: { path: string; note: string }[]): Option[] {
  const holds = (path: string): boolean =>
    all.some((other) => other.path.startsWith(`${path}.`) || other.path.startsWith(`${path}[]`));
  return all
    .filter(({ path, note }) => note !== "object" && !holds(path))
    .map(({ path, note }) => ({ value: path, note }));
}

function Check({ form, source, broken }: { form: Outline; source: string; broken: boolean }) {
  const [typed, set] = useState<string | null>(null);
  const events = typed === null ? null : lines(typed);
  const { data, error, stale } = useMatch(broken || events === null || events.length === 0 ? null : source, events);
  const open = (event: Event): void => {
    if (!(event.currentTarget as HTMLDetailsElement).open || typed !== null) return;
    set(
      agreeing(form)
        .map((each) => JSON.stringify(each))
        .join("\n"),
    );
  };
  return (
    <details onToggle={open}>
      <summary>{words.form.check}</summary>
      <div class="stack">
        <textarea
          class="textarea mono"
          rows={4}
          aria-label={words.form.samples}
          spellcheck={false}
          value={typed ?? ""}
          onInput={(event) => set(event.currentTarget.value)}
        />
        <div class={stale ? "stale" : ""} aria-live="polite">
          {broken && <p class="help">{words.form.samplesFirst}</p>}
          {!broken && typed !== null && events === null && <Mistakes of={[words.form.samplesWrong]} />}
          {!broken && error && <Mistakes of={[error.message]} />}
          {!broken && !error && data && (
            <Notice kind={data.match ? "good" : "warn"}>
              <span>{data.text}</span>
            </Notice>
          )}
        </div>
      </div>
    </details>
  );
}

function lines(typed: string): JsonObject[] | null {
  try {
    const whole = typed.trim();
    const each = whole.split("\n").filter((line) => line.trim());
    const found = (whole.startsWith("[") ? JSON.parse(whole) : each.map((line) => JSON.parse(line))) as unknown[];
    return found.every((one) => typeof one === "object" && one !== null) ? (found as JsonObject[]) : null;
  } catch {
    return null;
  }
}
