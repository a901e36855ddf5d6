// What comes in: live, as events that were seen, and by which sources it is read.

import { useEffect } from "preact/hooks";

import type { Me } from "../api.js";
import { type Route, to } from "../router.js";
import { words } from "../words.js";
import { Events } from "./events.js";
import { Live } from "./live.js";
import { Sources } from "./sources.js";

const TABS = ["live", "events", "sources"] as const;
type Tab = (typeof TABS)[number];

export default function Incoming({ route, me }: { route: Route; me: Me }) {
  const [first] = route.path;
  const tab: Tab = TABS.find((each) => each === first) ?? "live";
  useEffect(() => {
    document.title = `${words.incoming.tabs[tab]} · ${words.nav.incoming} · ${words.app.name}`;
  }, [tab]);
  const event = route.query.get("event") ?? "";
  const user = route.query.get("user") ?? "";
  const values = me.may_edit && route.query.has("values");
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <div class="head">
        <div class="grow">
          <h1 tabIndex={-1}>{words.incoming.title}</h1>
          <p>{words.incoming.about[tab]}</p>
        </div>
      </div>
      <nav class="tabs" aria-label={words.incoming.title}>
        {TABS.map((each) => (
          <a key={each} href={to("incoming", each)} aria-current={each === tab ? "page" : undefined}>
            {words.incoming.tabs[each]}
          </a>
        ))}
      </nav>
      {tab === "live" && (
        <Live key={`${event} ${user} ${values}`} event={event} user={user} values={values} mayEdit={me.may_edit} />
      )}
      {tab === "events" && <Events mayEdit={me.may_edit} />}
      {tab === "sources" && <Sources />}
    </main>
  );
}
