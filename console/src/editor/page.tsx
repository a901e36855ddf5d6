// One campaign: writing it, its report, its history. This is where the parts of the editor come together.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { ApiError, CampaignRow, Me, Mistake, Published } from "../api.js";
import { forget, useData } from "../data.js";
import { discard, kept } from "../draft/kept.js";
import { allMistakes, isBlank, ownerOf, ownMistakes } from "../draft/mistakes.js";
import { withId } from "../draft/naming.js";
import { freeSlug } from "../draft/slug.js";
import { type Form, placeIn, type Read, read } from "../draft/text.js";
import { go, to } from "../router.js";
import { useShared } from "../ui/memo.js";
import { Empty, Failed, Skeleton, toast } from "../ui/parts.js";
import { words } from "../words.js";
import { Head } from "./head.js";
import { History } from "./history.js";
import { leadTo } from "./lead.js";
import { useCheck } from "./live.js";
import { Newer } from "./newer.js";
import { Publish } from "./publish.js";
import { usePublishing, usePublishKeys } from "./publishing.js";
import { Report } from "./report.js";
import { TestSend } from "./test-send.js";
import { useDraft, useUndoKeys } from "./use-draft.js";
import { usePreviewed } from "./use-previewed.js";
import { type View, Write } from "./write.js";

/** `name` is the id of a campaign that is live, else the name of a draft. */
type Props = { name: string; tab: string; me: Me; isNew: boolean };

export default function CampaignPage({ name, tab, me, isNew }: Props) {
  const path = isNew ? null : `/campaigns/${encodeURIComponent(name)}`;
  const loaded = useData<Published>(path, { live: true });
  if (isNew && !me.may_edit) return <NotForViewers />;
  if (isNew) return <Editing name={name} tab="edit" me={me} live={null} reload={async () => undefined} />;
  const gone = loaded.error?.status === 404;
  if (!loaded.data || gone)
    return loaded.error ? <Missing name={name} error={loaded.error} retry={loaded.reload} /> : <Loading />;
  return <Editing name={name} tab={tab} me={me} live={loaded.data} reload={loaded.reload} />;
}

export function Loading() {
  return (
    <main id="main" class="stack wide" tabIndex={-1}>
      <Skeleton height="3.4rem" />
      <Skeleton height="14rem" count={3} />
    </main>
  );
}

function Missing({ name, error, retry }: { name: string; error: ApiError; retry: () => void }) {
  const draft = error.status === 404 && kept(name);
  return (
    <main id="main" class="narrow stack" tabIndex={-1}>
      <Failed error={error} retry={error.status === 404 ? undefined : retry} />
      {draft && <a href={to("campaigns", "new", name)}>{words.editor.goOnNew}</a>}
      <a href={to("campaigns")}>{words.app.allCampaigns}</a>
    </main>
  );
}

function NotForViewers() {
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <section class="card">
        <Empty icon="info" title={words.editor.viewerNew}>
          <p>{words.editor.viewerNewAbout}</p>
          <a class="button" href={to("campaigns")}>
            {words.app.allCampaigns}
          </a>
        </Empty>
      </section>
    </main>
  );
}

type EditingProps = { name: string; tab: string; me: Me; live: Published | null; reload: () => Promise<void> };

function Editing({ name, tab, me, live, reload }: EditingProps) {
  const readOnly = !me.may_edit;
  const drafting = useDraft(name, live);
  const { draft, edit, steps } = drafting;
  const now: Read = useMemo(() => read(draft.source), [draft.source]);
  const good = useRef<Form | null>(now.form);
  if (now.form) good.current = now.form;
  const form = now.form ?? good.current;
  const [view, setView] = useState<View>({ as: now.form ? "form" : "yaml", line: null });
  const [dialog, setDialog] = useState<"publish" | "test" | null>(null);

  const rows = useData<{ campaigns: CampaignRow[] }>("/campaigns", { live: true }).data?.campaigns;
  const check = useCheck(draft.source);
  const previewed = usePreviewed(name, form, draft.source, now.data);
  const found = check.data?.mistakes ?? NO_MISTAKES;
  const { mistakes, all, setTried } = useMistakes(draft.source, now, live, rows ?? NO_ROWS, found);
  const title = form?.name || name;
  useEffect(() => {
    document.title = `${live ? title : words.editor.newTitle} · ${words.app.name}`;
  }, [title, live]);

  const showMistake = useCallback(
    (mistake: Mistake): void => {
      if (view.as === "yaml") setView({ as: "yaml", line: mistake.line });
      else if (!leadTo(mistake.path)) setView({ as: "yaml", line: mistake.line });
    },
    [view.as],
  );
  const publish = usePublishing(check.stale, () => {
    setTried(true);
    if (check.error && check.error.status !== 422) return toast(check.error.message, { icon: "warning" });
    if (now.wrong) return setView({ as: "yaml", line: now.wrong.line });
    const [first] = all;
    if (!first) return setDialog("publish");
    toast(words.editor.first(all.length, first.message), {
      icon: "warning",
      action: { label: words.editor.showIt, do: () => showMistake(first) },
    });
    // Once it is marked.
    setTimeout(() => showMistake(first));
  });
  useUndoKeys(steps, !readOnly && !dialog);
  usePublishKeys(publish, !readOnly && !dialog);

  const published = (revision: number): void => {
    const id = live?.id ?? form?.id ?? name;
    setDialog(null);
    toast(words.editor.isLive(revision, form?.name || id));
    drafting.follow(draft.source, revision);
    forget("/campaigns");
    if (live) return;
    discard(name);
    go(to("campaigns", id));
  };
  const take = (theirs: Published): void => {
    drafting.follow(theirs.source, theirs.revision);
    setDialog(null);
    forget("/campaigns");
    toast(words.editor.taken(theirs.revision));
  };

  useFreeId(live, form, dialog ? undefined : rows, (id) => edit((source) => withId(source, id), "name"));

  const owner = live || !form ? null : ownerOf(form.id, rows ?? NO_ROWS);
  const shared = { name, me, live, form, drafting, readOnly: readOnly || !now.form, mayEdit: me.may_edit };
  return (
    <main id="main" tabIndex={-1}>
      <Head
        {...shared}
        owner={owner}
        mistakes={mistakes}
        taken={rows ?? NO_ROWS}
        reload={reload}
        publish={publish}
        test={() => setDialog("test")}
      />
      {live && <Tabs name={name} tab={tab} />}
      <Newer drafting={drafting} live={live} />
      {tab === "numbers" && <Report id={name} counts={countsConversions(live)} />}
      {tab === "history" && live && (
        <History
          path={`/campaigns/${encodeURIComponent(live.id)}`}
          live={live}
          me={me}
          reload={reload}
          changed={() => forget("/campaigns")}
        />
      )}
      {tab !== "numbers" && tab !== "history" && (
        <Write
          {...shared}
          read={now}
          edit={edit}
          view={view}
          setView={setView}
          previewed={previewed}
          check={check}
          mistakes={mistakes}
        />
      )}
      {dialog === "publish" && form && (
        <Publish
          id={live?.id ?? form.id}
          form={form}
          draft={draft}
          preview={previewed.answer.data}
          close={() => setDialog(null)}
          published={published}
          take={take}
          chooseId={() => {
            setDialog(null);
            forget("/campaigns");
            setTimeout(() => leadTo(["id"]));
          }}
        />
      )}
      {dialog === "test" && form && (
        <TestSend
          id={live?.id ?? form.id}
          source={draft.source}
          sample={previewed.sample}
          pattern={previewed.answer.data?.pattern}
          close={() => setDialog(null)}
        />
      )}
    </main>
  );
}

const countsConversions = (live: Published | null): boolean => Boolean(live?.campaign?.["convert"]);

const placed = (source: string, own: Mistake[]): Mistake[] =>
  own.map((each) => ({ ...each, ...placeIn(source, each.path) }));

const NO_ROWS: CampaignRow[] = [];
const NO_MISTAKES: Mistake[] = [];

/** All mistakes, and those that are shown: what was not written yet is no mistake until somebody wants to publish. */
function useMistakes(source: string, now: Read, live: Published | null, others: CampaignRow[], found: Mistake[]) {
  const [tried, setTried] = useState(false);
  const liveId = live?.id ?? null;
  const all = useShared(
    useMemo(
      () => (now.form ? allMistakes(placed(source, ownMistakes(now.form, { live: liveId, others })), found) : found),
      [source, now, liveId, others, found],
    ),
  );
  const mistakes = useShared(
    useMemo(
      () => all.filter((each) => tried || liveId !== null || !isBlank(now.data, each)),
      [all, tried, liveId, now],
    ),
  );
  return { all, mistakes, setTried };
}

/** An id that follows the name gives way when a newer list says that it is taken; one that somebody wrote stays. */
function useFreeId(
  live: Published | null,
  form: Form | null,
  rows: CampaignRow[] | undefined,
  give: (id: string) => void,
) {
  const known = useRef<ReadonlySet<string>>(new Set());
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another list is a reason to look
  useEffect(() => {
    if (live || !form || !rows) return;
    const taken = new Set(rows.map((row) => row.id));
    const follows = form.id === freeSlug(form.name, known.current);
    known.current = taken;
    if (follows && taken.has(form.id)) give(freeSlug(form.name, taken));
  }, [rows]);
}

function Tabs({ name, tab }: { name: string; tab: string }) {
  return (
    <nav class="tabs" aria-label={words.editor.parts}>
      {(["edit", "numbers", "history"] as const).map((each) => (
        <a
          key={each}
          href={each === "edit" ? to("campaigns", name) : to("campaigns", name, each)}
          aria-current={each === tab ? "page" : undefined}
        >
          {words.editor.tabs[each]}
        </a>
      ))}
    </nav>
  );
}
