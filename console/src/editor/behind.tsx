// The users behind a campaign's numbers, each with the way to their story.

import { useState } from "preact/hooks";

import type { Behind } from "../api.js";
import { useData } from "../data.js";
import { to } from "../router.js";
import { Dialog, Failed, Skeleton } from "../ui/parts.js";
import { words } from "../words.js";

type Kind = keyof typeof words.behind.kinds;
type Asked = { kind: Kind; reason?: string };

/** `counts` is whether what follows messages is. */
export function UsersBehind({ id, counts }: { id: string; counts: boolean }) {
  const [open, set] = useState<Kind | null>(null);
  const followed: Kind[] = counts ? ["converted", "control"] : [];
  const kinds: Kind[] = ["waiting", "sent", ...followed, "withheld", "retracted", "failed"];
  return (
    <div class="row small" role="group" aria-label={words.behind.title}>
      <span class="label">{words.behind.title}</span>
      {kinds.map((kind) => (
        <button type="button" class="button tiny" key={kind} onClick={() => set(kind)}>
          {words.behind.kinds[kind]}
        </button>
      ))}
      {open && <Those id={id} of={{ kind: open }} close={() => set(null)} />}
    </div>
  );
}

export function Those({ id, of: { kind, reason = "" }, close }: { id: string; of: Asked; close: () => void }) {
  const asked = new URLSearchParams(reason ? { of: kind, reason } : { of: kind });
  const { data, error, reload } = useData<Behind>(`/campaigns/${encodeURIComponent(id)}/users?${asked}`);
  const about = words.behind.about[kind];
  return (
    <Dialog title={words.behind.of(words.behind.kinds[kind], reason)} close={close}>
      {error && !data && <Failed error={error} retry={reload} />}
      {!data && !error && <Skeleton height="8rem" />}
      {data && data.users.length === 0 && <p>{words.behind.none}</p>}
      {data && data.users.length > 0 && (
        <ul class="names">
          {data.users.map((user) => (
            <li key={user}>
              <a class="wraps" href={to("users", user)}>
                <bdi>{user}</bdi>
              </a>
            </li>
          ))}
        </ul>
      )}
      {data && !data.complete && <p class="help">{words.behind.some(data.users.length)}</p>}
      {about && <p class="help">{about}</p>}
    </Dialog>
  );
}
