import type { JSX } from "preact";

const PATHS = {
  logo: "M11 8v16M21 8v16M11 16h10",
  campaigns: "M4 7h16M4 12h10M4 17h7",
  policy: "M12 3.5 5 6v6c0 4.2 2.9 7 7 8.5 4.1-1.5 7-4.3 7-8.5V6zM9 11.8l2.2 2.2 4-4.2",
  users: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20a7.5 7.5 0 0 1 15 0",
  queues: "M4 6h16v5H4zM4 14h16v5H4zM8 8.5h.01M8 16.5h.01",
  incoming: "M4 13v6h16v-6M12 4v10M7.5 10l4.5 4.5 4.5-4.5",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4",
  plus: "M12 5v14M5 12h14",
  close: "m6 6 12 12M18 6 6 18",
  up: "m6 14.5 6-6 6 6",
  down: "m6 9.5 6 6 6-6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "m5 12.5 4.5 4.5L19 7.5",
  warning: "M12 4 2.8 19.5h18.4L12 4ZM12 10v4.5M12 17.2v.1",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5M12 8v.1",
  sparkle:
    "M11 4l1.7 4.8L17.5 10.5l-4.8 1.7L11 17l-1.7-4.8L4.5 10.5l4.8-1.7zM18.5 15l.8 2.2 2.2.8-2.2.8-.8 2.2-.8-2.2-2.2-.8 2.2-.8z",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.5v13l10.5-6.5z",
  send: "M4 11.5 20 4l-6.5 16-2.7-6.5zM10.8 13.5 20 4",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  history: "M4 12a8 8 0 1 0 2.6-5.9L4 8.5M4 4v4.5h4.5M12 8v4.5l3 2",
  redo: "M20 12a8 8 0 1 1-2.6-5.9L20 8.5M20 4v4.5h-4.5",
  undo: "M4 12a8 8 0 1 1 2.6 5.9L4 15.5M4 20v-4.5h4.5",
  activity: "M4 12h4l3-7 3 14 3-7h3",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7",
  scheme: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 3v18",
  out: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, ...more }: { name: IconName } & JSX.IntrinsicElements["svg"]) {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      {...more}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path d={PATHS.logo} stroke="var(--on-accent)" stroke-width="3.4" stroke-linecap="round" />
    </svg>
  );
}
