// Writing a campaign: as a form or as its file, with the preview beside it.

import { useMemo } from "preact/hooks";

import type { CampaignRow, Catalogs, Checked, Mistake, Published } from "../api.js";
import { download } from "../csv.js";
import { useData } from "../data.js";
import { at } from "../draft/mistakes.js";
import { type Form, outlineOf, type Read } from "../draft/text.js";
import { Icon } from "../ui/icons.js";
import { useShared } from "../ui/memo.js";
import { Notice, Segmented } from "../ui/parts.js";
import { words } from "../words.js";
import { YamlField } from "./fields.js";
import { Match } from "./form/match.js";
import { Message } from "./form/message.js";
import type { Edit, FormProps, Said } from "./form/props.js";
import { Rules } from "./form/rules.js";
import { Tuning, Who } from "./form/who.js";
import type { Answer } from "./live.js";
import { Preview } from "./preview.js";
import type { Drafting } from "./use-draft.js";
import type { Previewed } from "./use-previewed.js";

export type View = { as: "form" | "yaml"; line: number | null };

type Props = {
  name: string;
  live: Published | null;
  form: Form | null;
  drafting: Drafting;
  readOnly: boolean;
  mayEdit: boolean;
  read: Read;
  edit: Edit;
  view: View;
  setView: (view: View) => void;
  previewed: Previewed;
  check: Answer<Checked>;
  mistakes: Mistake[];
};

export function Write(props: Props) {
  const { name, form, drafting, read, view, setView, previewed } = props;
  const { source } = drafting.draft;
  return (
    <div class="stack wide">
      <div class="row">
        <Segmented
          label={words.editor.as}
          value={view.as}
          options={[
            ["form", words.editor.form],
            ["yaml", words.editor.yaml],
          ]}
          set={(as) => setView({ as, line: null })}
        />
        <span class="grow" />
        {form && (
          <a
            class="button plain to-preview"
            href="#preview"
            onClick={(event) => {
              event.preventDefault();
              document.querySelector("#preview")?.scrollIntoView();
            }}
          >
            {words.editor.phonePreview}
          </a>
        )}
        <button
          type="button"
          class="button plain"
          onClick={() => download(`${props.live?.id || form?.id || name}.yaml`, source, "application/yaml")}
        >
          <Icon name="download" />
          {words.editor.download}
        </button>
      </div>
      {view.as === "form" && form && <Jumps />}
      <div class="edit">
        <div class="stack" data-edits>
          {read.wrong && view.as === "form" && (
            <Notice kind="bad">
              <span class="grow">{words.yaml.wrongAt(read.wrong.line, read.wrong.message)}</span>
              <button
                type="button"
                class="button tiny"
                onClick={() => setView({ as: "yaml", line: read.wrong?.line ?? 1 })}
              >
                {words.yaml.show}
              </button>
            </Notice>
          )}
          {view.as === "form" && form ? <AsForm {...props} form={form} /> : <AsYaml {...props} />}
        </div>
        {form && (
          <aside aria-label={words.preview.title}>
            <Preview form={form} {...previewed} />
          </aside>
        )}
      </div>
    </div>
  );
}

/** Past dozens of fields by one key: seen once one comes to it with Tab. */
function Jumps() {
  const parts: [string, string][] = [
    ["who", words.form.who],
    ["match", words.form.match],
    ["message", words.form.message],
    ["rules", words.rules.title],
    ["preview", words.preview.title],
  ];
  return (
    <nav class="jumps" aria-label={words.editor.jumps}>
      {parts.map(([id, said]) => (
        <button type="button" class="button tiny" key={id} onClick={() => document.getElementById(id)?.focus()}>
          {words.editor.jump(said)}
        </button>
      ))}
    </nav>
  );
}

function AsForm({ form, drafting, readOnly, edit, previewed, check, mistakes }: Props & { form: Form }) {
  const catalogs = useData<Catalogs>("/catalogs").data?.catalogs ?? NONE;
  const rows = useData<{ campaigns: CampaignRow[] }>("/campaigns").data?.campaigns;
  const others = useMemo(() => (rows ?? []).filter(({ id }) => id !== form.id), [rows, form.id]);
  const hints = check.data?.hints ?? NO_HINTS;
  const said = useMemo(() => sayings(mistakes, hints), [mistakes, hints]);
  const outline = useShared(outlineOf(form));
  const keys = useShared(form.pairs.map(({ key }) => key));
  const { source } = drafting.draft;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the texts of a message change nothing in what is matched
  const matched = useMemo(() => source, [outline]);
  const formProps: FormProps = {
    form: outline,
    edit,
    steps: drafting.steps,
    seen: previewed.seen,
    catalogs,
    suggestions: previewed.suggestions,
    mistakes,
    ...said,
    readOnly,
  };
  return (
    <>
      <Who {...formProps} />
      <Match {...formProps} matched={matched} />
      <Message {...formProps} pairs={form.pairs} preview={previewed.answer.data} />
      <Rules {...formProps} others={others} keys={keys} />
      <Tuning {...formProps} />
      {elsewhere(mistakes).map((each) => (
        <Notice kind="bad" key={each.message}>
          <span>{words.form.elsewhere(each.path.join("."), each.message)}</span>
        </Notice>
      ))}
    </>
  );
}

const NONE: Catalogs["catalogs"] = [];
const NO_HINTS: Checked["hints"] = [];

function sayings(mistakes: Mistake[], hints: Checked["hints"]): { mistaken: Said; hinted: Said } {
  // In a template it is underlined, and said beside the preview.
  const underlined = (each: Mistake): boolean =>
    each.path[1] === "values" && each.path.length === 3 && Boolean(each.template_line);
  return {
    mistaken: (...path) =>
      at(mistakes, path)
        .filter((each) => !underlined(each))
        .map((each) => each.message),
    hinted: (...path) => at(hints, path).map((each) => each.message),
  };
}

/** Of keys that the form does not know. */
const SHOWN = new Set(["when", "constant", "send", "convert", "id"]);
const elsewhere = (mistakes: Mistake[]): Mistake[] =>
  mistakes.filter(({ path }) => !SHOWN.has(String(path[0])) || (path.length > 1 && unknownTo(path)));
const unknownTo = ([part, key]: Mistake["path"]): boolean => part === "send" && !OF_SEND.has(String(key));
const OF_SEND = new Set(
  "audience start end hours again_after per_user priority instead_of control one_per limit values variants detail_type".split(
    " ",
  ),
);

function AsYaml({ drafting, mayEdit, read, edit, view, mistakes }: Props) {
  const { wrong } = read;
  const places = wrong ? [wrong] : mistakes.map(({ message, line, column }) => ({ message, line, column }));
  return (
    <>
      <YamlField
        label={words.editor.yamlLabel}
        text={drafting.draft.source}
        set={(source) => edit(() => source, "yaml")}
        readOnly={!mayEdit}
        problems={places}
        steps={drafting.steps}
        line={view.line}
      />
      {wrong && <Line line={wrong.line} message={wrong.message} />}
      {!wrong &&
        mistakes.map((each) => (
          <Line
            key={`${each.line} ${each.message}`}
            line={each.line}
            message={words.form.elsewhere(each.place, each.message)}
          />
        ))}
    </>
  );
}

function Line({ line, message }: { line: number; message: string }) {
  return (
    <p class="mistake">
      <Icon name="warning" />
      {words.yaml.line(line, message)}
    </p>
  );
}
