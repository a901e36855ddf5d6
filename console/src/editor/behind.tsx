// The users behind a campaign's numbers, each with the way to their story.

import { useState } from "preact/hooks";

import type { Behind } from "../api.js";
import { useData } from "../data.js";
import { to } from "../router.js";
import { Dialog, Failed, Skeleton } from "../ui/parts.js";
import { words } from "../words.js";

type Kind = keyof typeof words.behind.kinds;

/** `counts` is whether what follows messages is: who got one is known as long as that may still convert. */
export function UsersBehind({ id, counts }: { id: string; counts: boolean }) {
  const [open, set] = useState<Kind | null>(null);
  const kinds: Kind[] = counts ? ["waiting", "sent", "converted", "control"] : ["waiting"];
  return (
    <div class="row small" role="group" aria-label={words.behind.title}>
      <span class="label">{words.behind.title}</span>
      {kinds.map((kind) => (
        <button type="button" class="button tiny" key={kind} onClick={() => set(kind)}>
          {words.behind.kinds[kind]}
        </button>
      ))}
      {open && <Those id={id} kind={open} close={() => set(null)} />}
    </div>
  );
}

function Those({ id, kind, close }: { id: string; kind: Kind; close: () => void }) {
  const { data, error, reload } = useData<Behind>(`/campaigns/${encodeURIComponent(id)}/users?of=${kind}`);
  return (
    <Dialog title={words.behind.of(words.behind.kinds[kind])} close={close}>
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
      {kind !== "waiting" && <p class="help">{words.behind.about}</p>}
    </Dialog>
  );
}
