// Ctrl+K: to any campaign, user or page by typing.

import Combobox from "@github/combobox-nav";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { CampaignRow, Me } from "../api.js";
import { useData } from "../data.js";
import { go, to } from "../router.js";
import { words } from "../words.js";
import { Icon, type IconName } from "./icons.js";

type Place = { address: string; said: string; note: string; icon: IconName };
const MOST = 8;

export function Palette({ me, close }: { me: Me; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const nav = useRef<Combobox | null>(null);
  const closing = useRef(close);
  closing.current = close;
  const [text, type] = useState("");
  const campaigns = useData<{ campaigns: CampaignRow[] }>("/campaigns").data?.campaigns ?? [];
  const fitting = placesFor(text, campaigns, me);

  useEffect(() => {
    const at = dialog.current;
    if (at && !at.open) at.showModal();
    if (!input.current || !list.current) return;
    const all = list.current;
    nav.current = new Combobox(input.current, all, {
      firstOptionSelectionMode: "selected",
      scrollIntoViewOptions: { block: "nearest" },
    });
    nav.current.start();
    const chosen = (event: Event): void => {
      closing.current();
      go((event.target as HTMLElement).dataset["address"] ?? "");
    };
    all.addEventListener("combobox-commit", chosen);
    return () => {
      all.removeEventListener("combobox-commit", chosen);
      nav.current?.destroy();
    };
  }, []);
  // At once, and (as input is heard of at the dialog) after the list has cleared it: Enter must find what is shown.
  const shown = fitting.map((place) => place.address).join("\n");
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list needs another choice
  useLayoutEffect(() => nav.current?.resetSelection(), [shown]);
  return (
    <dialog
      class="palette"
      ref={dialog}
      aria-label={words.palette.label}
      onInput={() => type(input.current?.value ?? "")}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onMouseDown={(event) => event.target === dialog.current && close()}
    >
      <input
        ref={input}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette"
        aria-autocomplete="list"
        aria-label={words.palette.input}
        placeholder={words.palette.placeholder}
        value={text}
        spellcheck={false}
        autocomplete="off"
      />
      <ul ref={list} role="listbox" id="palette" tabIndex={-1} aria-label={words.palette.places}>
        {fitting.map((place) => (
          <li role="option" key={place.address} id={`to-${place.address}`} data-address={place.address}>
            <Icon name={place.icon} />
            <bdi class="cut">{place.said}</bdi>
            <small>{place.note}</small>
          </li>
        ))}
      </ul>
    </dialog>
  );
}

/** What fits, of campaigns and pages; whatever is typed may be the id of a user as well. */
export function placesFor(
  text: string,
  campaigns: Pick<CampaignRow, "id" | "name">[],
  me: Pick<Me, "may_edit">,
): Place[] {
  const query = text.trim().toLowerCase();
  const create: Place[] = me.may_edit
    ? [{ address: to("campaigns", "new"), said: words.campaigns.create, note: words.palette.page, icon: "plus" }]
    : [];
  const places: Place[] = [
    ...campaigns.map((row) => ({
      address: to("campaigns", row.id),
      said: row.name || row.id,
      note: words.palette.campaign,
      icon: "campaigns" as const,
    })),
    { address: to("campaigns"), said: words.nav.campaigns, note: words.palette.page, icon: "campaigns" },
    ...create,
    { address: to("queues", "rejected"), said: words.queues.names.rejected, note: words.palette.queue, icon: "queues" },
    {
      address: to("queues", "undelivered"),
      said: words.queues.names.undelivered,
      note: words.palette.queue,
      icon: "queues",
    },
    ...(["live", "events", "sources"] as const).map((tab) => ({
      address: to("incoming", tab),
      said: words.palette.incoming(words.incoming.tabs[tab]),
      note: words.palette.page,
      icon: "incoming" as const,
    })),
    { address: to("policy"), said: words.nav.policy, note: words.palette.page, icon: "policy" },
    { address: to("activity"), said: words.nav.activity, note: words.palette.page, icon: "activity" },
    { address: to("users"), said: words.nav.users, note: words.palette.page, icon: "users" },
  ];
  const fitting = places
    .filter(({ said, address }) => `${said} ${address}`.toLowerCase().includes(query))
    .slice(0, MOST);
  const user: Place = {
    address: to("users", text.trim()),
    said: words.users.of(text.trim()),
    note: words.palette.user,
    icon: "users",
  };
  return query ? [...fitting, user] : fitting;
}
