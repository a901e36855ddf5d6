import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { get, type Me, type Queue } from "./api.js";
import { settings, signIn, SignInFailed, signOut } from "./auth.js";
import { asApiError, useData } from "./data.js";
import { anyKept } from "./kept.js";
import type CampaignPage from "./editor/page.js";
import { Campaigns } from "./pages/campaigns.js";
import { Queues } from "./pages/queues.js";
import { Users } from "./pages/users.js";
import { type Route, to, useRoute } from "./router.js";
import { Icon, type IconName, Logo } from "./ui/icons.js";
import { Empty, Skeleton, Toasts } from "./ui/parts.js";
import { Palette } from "./ui/palette.js";

function App({ me }: { me: Me }) {
  const route = useRoute();
  const [searching, search] = useState(false);
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key === "k") {
        event.preventDefault();
        search(true);
      }
    };
    const leaving = (event: BeforeUnloadEvent): void => {
      if (anyKept()) event.preventDefault();
    };
    addEventListener("keydown", keys);
    addEventListener("beforeunload", leaving);
    return () => {
      removeEventListener("keydown", keys);
      removeEventListener("beforeunload", leaving);
    };
  }, []);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>("#main input, #main a, #main button")?.focus())}>To the content</a>
      <header class="top">
        <a class="brand" href={to("campaigns")}><Logo />Holdfast</a>
        {me.stage !== "prod" && <span class="pill plain">{me.stage}</span>}
        <Nav route={route} />
        <div class="me">
          <button type="button" class="search" onClick={() => search(true)}><Icon name="search" /><span>Go to </span><kbd>Ctrl K</kbd></button>
          <Scheme />
          <span class="who-am-i cut" title={me.groups.join(", ")}>{me.name}{me.may_edit ? "" : " · viewer"}</span>
          {settings()?.auth.kind === "cognito" && <button type="button" class="button plain icon" aria-label="Sign out" title="Sign out" onClick={signOut}><Icon name="out" /></button>}
        </div>
      </header>
      <Page route={route} me={me} />
      {searching && <Palette me={me} close={() => search(false)} />}
      <Toasts />
    </div>
  );
}

function Nav({ route }: { route: Route }) {
  const rejected = useData<Queue>("/queues/rejected").data?.approximate_total ?? 0;
  const undelivered = useData<Queue>("/queues/undelivered").data?.approximate_total ?? 0;
  const places: [string, string, IconName, string][] = [
    ["campaigns", "Campaigns", "campaigns", to("campaigns")],
    ["users", "Users", "users", to("users")],
    ["queues", "Queues", "queues", to("queues", rejected || !undelivered ? "rejected" : "undelivered")],
  ];
  const count = rejected + undelivered;
  return (
    <nav aria-label="Pages">
      {places.map(([page, said, icon, address]) => (
        <a key={page} href={address} aria-current={route.page === page ? "page" : undefined}>
          <Icon name={icon} />{said}
          {page === "queues" && count > 0 && <span class="count">{count}<span class="unseen"> waiting</span></span>}
        </a>
      ))}
    </nav>
  );
}

function Page({ route, me }: { route: Route; me: Me }) {
  const [first, second] = route.path;
  const title = { campaigns: "Campaigns", users: first ?? "Users", queues: "Queues" }[route.page] ?? "Holdfast";
  useEffect(() => {
    if (!(route.page === "campaigns" && first)) document.title = `${title} · Holdfast`;
  }, [title, first]);
  if (route.page === "campaigns" && first) return <Editor name={first} tab={second ?? "edit"} me={me} />;
  if (route.page === "campaigns") return <Campaigns me={me} />;
  if (route.page === "users") return <Users user={first ?? null} />;
  if (route.page === "queues") return <Queues key={first} name={first === "undelivered" ? "undelivered" : "rejected"} me={me} />;
  return <main id="main"><Empty icon="search" title="There is no such page"><a href={to("campaigns")}>All campaigns</a></Empty></main>;
}

/** The editor is most of what the page weighs: it is fetched when a campaign is opened. */
const editor = (): Promise<{ default: typeof CampaignPage }> => import("./editor/page.js");

function Editor(props: { name: string; tab: string; me: Me }) {
  const [Loaded, set] = useState<typeof CampaignPage | null>(null);
  useEffect(() => void editor().then((module) => set(() => module.default)), []);
  if (!Loaded) return <main id="main"><Skeleton height="3.4rem" /><br /><Skeleton height="14rem" count={3} /></main>;
  return <Loaded key={props.name} {...props} />;
}

function Scheme() {
  const [scheme, set] = useState(() => localStorage.getItem("holdfast.scheme") ?? "");
  useEffect(() => {
    document.documentElement.dataset["scheme"] = scheme;
    localStorage.setItem("holdfast.scheme", scheme);
  }, [scheme]);
  const dark = scheme ? scheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  return <button type="button" class="button plain icon" aria-label={dark ? "Light colours" : "Dark colours"} title={dark ? "Light colours" : "Dark colours"} onClick={() => set(dark ? "light" : "dark")}><Icon name="scheme" /></button>;
}

function Closed({ message }: { message: string }) {
  useEffect(() => addEventListener("hashchange", () => location.reload()), []); // another link, put into the same tab
  return <main id="main" class="narrow"><Empty icon="info" title="Not signed in"><p>{message}</p><button type="button" class="button" onClick={() => location.reload()}>Try again</button></Empty></main>;
}

async function start(root: HTMLElement): Promise<void> {
  try {
    await signIn();
    const me = await get<Me>("/me");
    render(<App me={me} />, root);
    requestIdleCallback?.(() => void editor());
  } catch (error) {
    const message = error instanceof SignInFailed ? error.message : asApiError(error).message;
    render(<Closed message={message} />, root);
  }
}

const root = document.getElementById("app");
if (root) void start(root);
