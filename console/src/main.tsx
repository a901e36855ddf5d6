import { render } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { type Counts, get, type Me } from "./api.js";
import { onSignedOut, SignInFailed, settings, signIn, signOut } from "./auth.js";
import { asApiError, keepFresh, useData } from "./data.js";
import { freshName, keepFor, POLICY } from "./draft/kept.js";
import type CampaignPage from "./editor/page.js";
import type PolicyPage from "./editor/policy.js";
import { useFocus } from "./focus.js";
import type IncomingPage from "./incoming/page.js";
import { Activity } from "./pages/activity.js";
import { Campaigns } from "./pages/campaigns.js";
import { Queues } from "./pages/queues.js";
import { Users } from "./pages/users.js";
import { type Route, replace, to, useRoute } from "./router.js";
import { Boundary } from "./ui/boundary.js";
import { Icon, type IconName, Logo } from "./ui/icons.js";
import { Palette } from "./ui/palette.js";
import { Empty, Notice, Skeleton, Toasts } from "./ui/parts.js";
import { brief, words } from "./words.js";

function App({ me }: { me: Me }) {
  const route = useRoute();
  const [searching, search] = useState(false);
  const [gone, setGone] = useState(false);
  useEffect(() => onSignedOut(() => setGone(true)), []);
  // At once: a key that is pressed between what is drawn and an effect would be missed.
  useLayoutEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key === "k") {
        event.preventDefault();
        search(true);
      }
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
  useFocus(`${route.page}/${route.path.join("/")}`);
  const local = settings()?.auth.kind !== "cognito";
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={toContent}>
        {words.app.toContent}
      </a>
      <header class="top">
        <a class="brand" href={to("campaigns")}>
          <Logo />
          <span>{words.app.name}</span>
        </a>
        {me.stage !== "prod" && (
          <span class="pill plain stage" title={words.app.stage(me.stage)}>
            <span class="cut">{me.stage}</span>
          </span>
        )}
        <Nav route={route} />
        <div class="me">
          <button type="button" class="search" onClick={() => search(true)}>
            <Icon name="search" />
            <span>{words.app.goTo} </span>
            <kbd>Ctrl K</kbd>
          </button>
          <Scheme />
          <span class="who-am-i cut" title={`${me.name}: ${me.groups.join(", ")}`}>
            {me.name}
            {me.may_edit ? "" : ` · ${words.app.viewer}`}
          </span>
          {!local && (
            <button
              type="button"
              class="button plain icon"
              aria-label={words.app.signOut}
              title={words.app.signOut}
              onClick={signOut}
            >
              <Icon name="out" />
            </button>
          )}
        </div>
      </header>
      <div>
        {gone && (
          <div class="banner">
            <Notice kind="bad">
              <span class="grow">
                {words.app.signedOut} {local ? words.app.signedOutLocally : words.errors.signedOut}
              </span>
              <button type="button" class="button tiny" onClick={() => location.reload()}>
                {words.app.tryAgain}
              </button>
            </Notice>
          </div>
        )}
        <Boundary place={[route.page, ...route.path].join("/")} draft={draftOf(route)}>
          <Page route={route} me={me} />
        </Boundary>
      </div>
      {searching && <Palette me={me} close={() => search(false)} />}
      <Toasts />
    </div>
  );
}

/** The name of the draft that a page writes, if it writes one. */
function draftOf({ page, path }: Route): string | null {
  if (page === "policy") return POLICY;
  if (page !== "campaigns") return null;
  return (path[0] === "new" ? path[1] : path[0]) ?? null;
}

function toContent(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#main")?.focus();
}

function Nav({ route }: { route: Route }) {
  const counts = useData<Counts>("/queues", { live: true }).data;
  const { rejected = 0, undelivered = 0 } = counts ?? {};
  const places: [string, string, IconName, string][] = [
    ["campaigns", words.nav.campaigns, "campaigns", to("campaigns")],
    ["policy", words.nav.policy, "policy", to("policy")],
    ["users", words.nav.users, "users", to("users")],
    ["incoming", words.nav.incoming, "incoming", to("incoming")],
    ["queues", words.nav.queues, "queues", to("queues", rejected || !undelivered ? "rejected" : "undelivered")],
    ["activity", words.nav.activity, "activity", to("activity")],
  ];
  const count = rejected + undelivered;
  return (
    <nav aria-label={words.app.pages}>
      {places.map(([page, said, icon, address]) => (
        <a key={page} href={address} aria-current={route.page === page ? "page" : undefined}>
          <Icon name={icon} />
          {said}
          {page === "queues" && count > 0 && (
            <span class="count">
              {brief(count)}
              <span class="unseen"> {words.app.queued}</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

function Page({ route, me }: { route: Route; me: Me }) {
  const { page, path } = route;
  const [first, second] = path;
  const titles: Record<string, string> = { ...words.nav, users: first ?? words.nav.users };
  const title = titles[page] ?? words.app.name;
  const ofCampaign = page === "campaigns" && first !== undefined;
  useEffect(() => {
    if (!ofCampaign) document.title = `${title} · ${words.app.name}`;
  }, [title, ofCampaign]);
  if (page === "campaigns" && first === "new") return <NewCampaign name={second} me={me} />;
  if (page === "campaigns" && first) return <Editor name={first} tab={second ?? "edit"} me={me} isNew={false} />;
  if (page === "campaigns") return <Campaigns me={me} />;
  if (page === "policy") return <Policy me={me} />;
  if (page === "users") return <Users user={first ?? null} />;
  if (page === "queues") {
    const name = first === "undelivered" ? first : "rejected";
    return <Queues key={name} name={name} me={me} />;
  }
  if (page === "incoming") return <Incoming route={route} me={me} />;
  if (page === "activity") return <Activity />;
  return (
    <main id="main" tabIndex={-1}>
      <Empty icon="search" title={words.app.noPage}>
        <a href={to("campaigns")}>{words.app.allCampaigns}</a>
      </Empty>
    </main>
  );
}

/** Each new campaign is a draft of its own, with a name that an address can have. */
function NewCampaign({ name, me }: { name: string | undefined; me: Me }) {
  useEffect(() => {
    if (!name) replace(to("campaigns", "new", freshName()));
  }, [name]);
  return name ? <Editor name={name} tab="edit" me={me} isNew /> : null;
}

/** The editor is most of what the page weighs: it is fetched when a campaign is opened. */
const editor = (): Promise<{ default: typeof CampaignPage }> => import("./editor/page.js");

function Editor(props: { name: string; tab: string; me: Me; isNew: boolean }) {
  const Loaded = useLater<typeof CampaignPage>(editor);
  return Loaded ? <Loaded key={props.name} {...props} /> : <Loading />;
}

/** Of the editor it has most. */
const policy = (): Promise<{ default: typeof PolicyPage }> => import("./editor/policy.js");

function Policy(props: { me: Me }) {
  const Loaded = useLater<typeof PolicyPage>(policy);
  return Loaded ? <Loaded {...props} /> : <Loading />;
}

const incoming = (): Promise<{ default: typeof IncomingPage }> => import("./incoming/page.js");

function Incoming(props: { route: Route; me: Me }) {
  const Loaded = useLater<typeof IncomingPage>(incoming);
  return Loaded ? <Loaded {...props} /> : <Loading />;
}

/** A page that is fetched when it is opened; null until it is there. */
function useLater<T>(fetched: () => Promise<{ default: T }>): T | null {
  const [loaded, set] = useState<T | null>(null);
  useEffect(() => void fetched().then((module) => set(() => module.default)), [fetched]);
  return loaded;
}

function Loading() {
  return (
    <main id="main" class="stack wide" tabIndex={-1}>
      <Skeleton height="3.4rem" />
      <Skeleton height="14rem" count={3} />
    </main>
  );
}

const SCHEME = "holdfast.scheme";

function Scheme() {
  const [scheme, set] = useState(() => localStorage.getItem(SCHEME) ?? "");
  useEffect(() => {
    document.documentElement.dataset["scheme"] = scheme;
    localStorage.setItem(SCHEME, scheme);
  }, [scheme]);
  const dark = scheme ? scheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const label = dark ? words.app.light : words.app.dark;
  return (
    <button
      type="button"
      class="button plain icon"
      aria-label={label}
      title={label}
      onClick={() => set(dark ? "light" : "dark")}
    >
      <Icon name="scheme" />
    </button>
  );
}

function Closed({ message }: { message: string }) {
  useEffect(() => {
    const again = (): void => location.reload(); // another link, put into the same tab
    addEventListener("hashchange", again);
    return () => removeEventListener("hashchange", again);
  }, []);
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <Empty icon="info" title={words.app.notSignedIn}>
        <p>{message}</p>
        <button type="button" class="button" onClick={() => location.reload()}>
          {words.app.tryAgain}
        </button>
      </Empty>
    </main>
  );
}

async function start(root: HTMLElement): Promise<void> {
  try {
    await signIn();
    keepFor(settings()?.stage ?? "");
    keepFresh();
    const me = await get<Me>("/me");
    render(<App me={me} />, root);
    performance.mark("shown");
    requestIdleCallback?.(() => void editor());
  } catch (error) {
    const message = error instanceof SignInFailed ? error.message : asApiError(error).message;
    render(<Closed message={message} />, root);
  }
}

const root = document.getElementById("app");
if (root) void start(root);
