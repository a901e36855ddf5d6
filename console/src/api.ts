// The console's API: the shapes that the page uses, and one way to call it. Times are epoch milliseconds.

import { bearer, renew } from "./auth.js";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type Me = { name: string; groups: string[]; may_edit: boolean; stage: string };
export type CampaignRow = {
  id: string; name: string | null; revision: number; paused: boolean; published_at: number;
  did: string[]; did_not: string[]; within: string; one_per: "value" | "user";
};
export type RevisionRow = { revision: number; published_at: number };
export type Published = {
  id: string; revision: number; live_revision: number; paused: boolean; published_at: number; source: string; revisions: RevisionRow[];
};
export type Mistake = {
  path: (string | number)[]; place: string; message: string; line: number; column: number;
  template_line: number | null; template_column: number | null;
};
export type Hint = Pick<Mistake, "path" | "place" | "message" | "line" | "column">;
export type Checked = { ok: boolean; mistakes: Mistake[]; hints: Hint[] };

export type Origin = "profile" | "event" | "constant" | "catalog" | "recommendation" | "campaign" | "time" | "default" | "missing";
export type Variable = { name: string; origin: Origin; value: Json };
export type Traced = {
  text: string | null; reason: string | null;
  error: { message: string; line: number | null; column: number | null } | null;
  variables: Variable[];
};
export type Preview = {
  ok: boolean; user: string; campaign: string; revision: number; sent: boolean; reason: string | null;
  values: Record<string, Traced>; event: JsonObject; detail_type: string; detail: JsonObject; pattern: JsonObject;
  mistakes?: Mistake[];
};

export type Outcome = { values: Record<string, string> | null; reason: string | null; revision: number };
export type Difference = { user: string; constant: Json; effect: "gained" | "lost" | "changed"; before: Outcome; after: Outcome };
export type Change = { field: string; before: Json; after: Json; open: boolean };
/** `live` is 0 where nothing was published yet; `complete` is whether all users were read in the time that there is. */
export type Diff = {
  campaign: string; live: number; paused?: boolean; changes: Change[]; open: number; complete: boolean; sentences: string[]; examples?: Difference[];
};

export type Property = { path: string; types: string[] };
export type Seen = { events: { name: string; properties: Property[] }[]; profile: Property[] };
export type Suggestion = { insert: string; label: string; note: string };
export type SuggestionGroup = { group: string; items: Suggestion[] };

export type Fact = { what: "seen" | "exit" | "decided" | "retracted" | "waits" | "note"; at: number; text: string };
export type Explanation = {
  campaign: string; name: string; constant: Json; status: string; facts: Fact[]; latest: number; waits_for: string[];
  until: number | null; decided: number | null; message: string; reason: string; text: string;
};
export type CampaignStats = {
  /** null where the users are too many to be counted while one waits; then `waiting_at_least` is what was found. */
  waiting: number | null; waiting_at_least: number;
  sent: number[]; withheld: Record<string, number[]>; retracted: number[]; failed: number[];
  top: { value: Json; count: number }[];
};
export type Stats = { days: string[]; campaigns: Record<string, CampaignStats> };
export type QueueName = "rejected" | "undelivered";
export type QueueMessage = { id: string; reason: string; campaigns: string[]; at: number; record: Json };
export type Queue = { messages: QueueMessage[]; approximate_total: number };
export type Match = { by_event: Record<string, Json[]>; problems: Record<string, string>; match: boolean | null; text: string };
export type Story = { user: string; profile: JsonObject; explanations: Explanation[] };

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly body: JsonObject = {}) {
    super(message);
  }
}

type Options = { body?: unknown; signal?: AbortSignal };

export const get = <T>(path: string, options?: Options): Promise<T> => call<T>("GET", path, options);
export const post = <T>(path: string, body: unknown, options?: Options): Promise<T> => call<T>("POST", path, { ...options, body });

async function call<T>(method: string, path: string, options: Options = {}, again = true): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`api${path}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer() ?? ""}`,
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The console's API cannot be reached. Check the connection (locally: that `holdfast console` still runs), then try again.");
  }
  if (response.status === 401 && again && (await renew())) return call<T>(method, path, options, false);
  const answer = (await response.json().catch(() => null)) as JsonObject | null;
  if (response.ok) return answer as T;
  throw refused(response.status, answer);
}

function refused(status: number, answer: JsonObject | null): ApiError {
  const error = (answer?.["error"] ?? {}) as JsonObject;
  const message = typeof error["message"] === "string" ? error["message"] : said(status);
  return new ApiError(status, typeof error["code"] === "string" ? error["code"] : String(status), message, { ...answer, ...error });
}

function said(status: number): string {
  if (status === 401) return "You are not signed in any more. Reload this page; what you have not published is kept.";
  if (status === 403) return "This takes the group “editor”, and you are not in it. Whoever looks after the user pool can add you.";
  if (status === 429 || status === 503) return "The API has too much to do just now. Try again in a moment.";
  return `The API answered with status ${status}. Try again; if it stays so, the console function's log says more.`;
}
