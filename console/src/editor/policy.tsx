// The policy: the rules for all campaigns together, as the file that they are. Mistakes are shown while one writes, what
// changes is shown before it is published, and an old revision can come back.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import { type ApiError, type Me, type Policy, type PolicyChecked, type PolicyPublished, post } from "../api.js";
import { asApiError, forget, useData } from "../data.js";
import { POLICY } from "../draft/kept.js";
import { TextChanges } from "../ui/difference.js";
import { Icon } from "../ui/icons.js";
import { Dialog, Empty, Failed, Hints, Note, Notice, Skeleton, Time, toast } from "../ui/parts.js";
import { words } from "../words.js";
import { YamlField } from "./fields.js";
import { History } from "./history.js";
import { useAnswer } from "./live.js";
import { Newer } from "./newer.js";
import { usePublishing, usePublishKeys } from "./publishing.js";
import { type Drafting, useDraft, useUndoKeys } from "./use-draft.js";

export default function PolicyPage({ me }: { me: Me }) {
  const { data, error, reload } = useData<Policy>("/policy", { live: true });
  if (data && !data.live_revision && !me.may_edit) return <NoPolicy />;
  if (data) return <Editing policy={data} me={me} reload={reload} />;
  return (
    <main id="main" class="stack wide" tabIndex={-1}>
      {error ? <Failed error={error} retry={reload} /> : <Skeleton height="14rem" count={2} />}
    </main>
  );
}

function NoPolicy() {
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <h1 class="unseen" tabIndex={-1}>
        {words.policy.title}
      </h1>
      <Empty icon="policy" title={words.policy.none}>
        <p>{words.policy.viewOnlyWhy}</p>
      </Empty>
    </main>
  );
}

type Props = { policy: Policy; me: Me; reload: () => Promise<void> };

function Editing({ policy, me, reload }: Props) {
  const { live_revision: revision, source } = policy;
  const live = useMemo(() => (revision ? { source: source ?? "", revision } : null), [source, revision]);
  const drafting = useDraft(POLICY, live, words.policy.start);
  const { draft, edit, steps } = drafting;
  const check = useAnswer<PolicyChecked>("/policy/check", { source: draft.source }, 120);
  const mistakes = check.data?.mistakes ?? [];
  const [line, setLine] = useState<number | null>(null);
  const [publishing, setPublishing] = useState(false);
  const publish = usePublishing(check.stale, () => {
    if (check.error) return toast(check.error.message, { icon: "warning" });
    const [first] = mistakes;
    if (!first) return setPublishing(true);
    setLine(first.line);
    toast(words.editor.first(mistakes.length, first.message), { icon: "warning" });
  });
  useUndoKeys(steps, me.may_edit && !publishing);
  usePublishKeys(publish, me.may_edit && !publishing);
  return (
    <main id="main" class="stack wide" tabIndex={-1}>
      <Head {...{ policy, me, drafting, publish }} />
      <Newer drafting={drafting} live={live && { ...live, published_by: policy.published_by }} />
      <section class="card" aria-label={words.policy.title} data-edits>
        <div class="body first stack">
          <YamlField
            label={words.policy.label}
            text={draft.source}
            set={(next) => edit(() => next, "yaml")}
            readOnly={!me.may_edit}
            problems={mistakes}
            steps={steps}
            line={line}
          />
          {mistakes.map((each) => (
            <p class="mistake" key={`${each.line} ${each.message}`}>
              <Icon name="warning" />
              {words.yaml.line(each.line, words.form.elsewhere(each.place, each.message))}
            </p>
          ))}
          <Hints of={(check.data?.hints ?? []).map((each) => words.yaml.line(each.line, each.message))} />
          <p class="help">{words.policy.keys}</p>
        </div>
      </section>
      {policy.revisions.length > 0 && (
        <History
          path="/policy"
          live={{ revision, revisions: policy.revisions, paused: false }}
          me={me}
          reload={reload}
          changed={() => forget("/policy")}
        />
      )}
      {publishing && (
        <Publish
          policy={policy}
          source={draft.source}
          reload={reload}
          close={() => setPublishing(false)}
          published={(now) => {
            setPublishing(false);
            drafting.follow(draft.source, now);
            toast(words.policy.isLive(now));
            forget("/policy");
          }}
        />
      )}
    </main>
  );
}

type HeadProps = { policy: Policy; me: Me; drafting: Drafting; publish: () => void };

function Head({ policy, me, drafting, publish }: HeadProps) {
  const { live_revision: revision, published_at, published_by } = policy;
  const discard = (): void => {
    const back = drafting.reset();
    toast(words.editor.discarded, { action: { label: words.editor.undo, do: back } });
  };
  return (
    <div class="head">
      <div class="titles">
        <h1 tabIndex={-1}>{words.policy.title}</h1>
        <p class="help">{words.policy.about}</p>
        <div class="row small">
          {revision > 0 ? (
            <span class="pill good">{words.editor.live(revision)}</span>
          ) : (
            <span class="pill plain">{words.policy.none}</span>
          )}
          {published_at && (
            <span class="quiet">
              <Time at={published_at} /> {published_by && words.history.by(published_by)}
            </span>
          )}
          {drafting.changed && revision > 0 && <span class="pill info">{words.editor.changed}</span>}
        </div>
      </div>
      {me.may_edit ? (
        <div class="row">
          {drafting.changed && (
            <button type="button" class="button" onClick={discard}>
              {words.editor.discard}
            </button>
          )}
          <button type="button" class="button primary" onClick={publish}>
            {words.editor.publish}
          </button>
        </div>
      ) : (
        <span class="pill plain" title={words.policy.viewOnlyWhy}>
          {words.editor.viewOnly}
        </span>
      )}
    </div>
  );
}

type PublishProps = {
  policy: Policy;
  source: string;
  reload: () => Promise<void>;
  close: () => void;
  published: (revision: number) => void;
};

/** What changes is against what is live: whoever loses a race sees it against what won, and then decides. */
function Publish({ policy, source, reload, close, published }: PublishProps) {
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [raced, setRaced] = useState(false);
  const before = policy.source ?? "";
  const seen = policy.live_revision;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  const publish = useCallback(async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const body = { source, seen_revision: seen, ...(note.trim() ? { note: note.trim() } : {}) };
      published((await post<PolicyPublished>("/policy/publish", body)).revision);
    } catch (reason) {
      const refused = asApiError(reason);
      if (refused.code === "conflict") {
        forget("/policy");
        await reload();
        setRaced(true);
      } else setError(refused);
    }
    setBusy(false);
  }, [source, seen, note, published, reload]);
  const footer = (
    <>
      <button type="button" class="button" onClick={close}>
        {words.publish.notYet}
      </button>
      <button type="button" ref={button} class="button primary" disabled={busy} onClick={publish}>
        {busy ? words.publish.publishing : words.publish.button(seen + 1)}
      </button>
    </>
  );
  return (
    <Dialog title={words.policy.publishTitle} close={close} footer={footer}>
      {raced && (
        <Notice kind="warn">
          <span>{words.policy.raced(seen, policy.published_by ?? "")}</span>
        </Notice>
      )}
      {error && <Failed error={error} />}
      {before === source ? <p>{words.policy.same}</p> : null}
      {before !== source && <TextChanges label={words.difference.what} before={before} after={source} />}
      <p class="help">{words.policy.publishAbout}</p>
      <Note value={note} set={setNote} />
    </Dialog>
  );
}
