// While one writes, somebody else published, or one wrote on in another tab.

import { Notice } from "../ui/parts.js";
import { words } from "../words.js";
import type { Drafting } from "./use-draft.js";

type Props = { drafting: Drafting; live: { revision: number; published_by?: string | null | undefined } | null };

export function Newer({ drafting: { draft, changed, elsewhere, takeElsewhere }, live }: Props) {
  return (
    <>
      {live && draft.seen !== live.revision && changed && (
        <Notice kind="warn">
          <span class="grow">{words.editor.newer(live.revision, draft.seen, live.published_by ?? "")}</span>
        </Notice>
      )}
      {elsewhere && (
        <Notice kind="warn">
          <span class="grow">{words.editor.elsewhere}</span>
          <button type="button" class="button tiny" onClick={takeElsewhere}>
            {words.editor.takeElsewhere}
          </button>
        </Notice>
      )}
    </>
  );
}
