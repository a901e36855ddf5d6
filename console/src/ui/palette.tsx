// Ctrl-K: anywhere, by typing.

import Combobox from "@github/combobox-nav";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { CampaignRow, Me } from "../api.js";
import { useData } from "../data.js";
import { go, to } from "../router.js";
import { Icon, type IconName } from "./icons.js";

type Place = { address: string; said: string; note: string; icon: IconName };

export function Palette({ me, close }: { me: Me; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const nav = useRef<Combobox | null>(null);
  const [text, type] = useState("");
  const campaigns = useData<{ campaigns: CampaignRow[] }>("/campaigns").data?.campaigns ?? [];
  const query = text.trim().toLowerCase();
  const places: Place[] = [
    ...campaigns.map((row) => ({ address: to("campaigns", row.id), said: row.name || row.id, note: "campaign", icon: "campaigns" as const })),
    { address: to("campaigns"), said: "Campaigns", note: "page", icon: "campaigns" },
    ...(me.may_edit ? [{ address: to("campaigns", "new"), said: "New campaign", note: "page", icon: "plus" as const }] : []),
    { address: to("queues", "rejected"), said: "Rejected", note: "queue", icon: "queues" },
    { address: to("queues", "undelivered"), said: "Undelivered", note: "queue", icon: "queues" },
    { address: to("users"), said: "A user's story", note: "page", icon: "users" },
  ];
  const fitting = places.filter(({ said, address }) => `${said} ${address}`.toLowerCase().includes(query)).slice(0, 8);
  if (query) fitting.push({ address: to("users", text.trim()), said: `The story of ${text.trim()}`, note: "user", icon: "users" });

  useEffect(() => {
    const at = dialog.current;
    if (at && !at.open) at.showModal();
    if (!input.current || !list.current) return;
    nav.current = new Combobox(input.current, list.current, { firstOptionSelectionMode: "selected", scrollIntoViewOptions: { block: "nearest" } });
    nav.current.start();
    const chosen = (event: Event): void => {
      close();
      go((event.target as HTMLElement).dataset["address"] ?? "");
    };
    list.current.addEventListener("combobox-commit", chosen);
    return () => nav.current?.destroy();
  }, []);
  // At once, and (as input is heard of at the dialog) after the list has cleared it: Enter must find what is shown.
  useLayoutEffect(() => nav.current?.resetSelection(), [query, campaigns.length]);
  return (
    <dialog class="palette" ref={dialog} aria-label="Go to" onInput={() => type(input.current?.value ?? "")} onCancel={(event) => (event.preventDefault(), close())} onMouseDown={(event) => event.target === dialog.current && close()}>
      <input ref={input} role="combobox" aria-expanded="true" aria-controls="palette" aria-autocomplete="list" aria-label="Go to a campaign, a user, a queue" placeholder="A campaign, a user id, a queue" value={text} spellcheck={false} autocomplete="off" />
      <ul ref={list} role="listbox" id="palette" aria-label="Places">
        {fitting.map((place) => <li role="option" key={place.address} id={`to-${place.address}`} data-address={place.address}><Icon name={place.icon} />{place.said}<small>{place.note}</small></li>)}
      </ul>
    </dialog>
  );
}
