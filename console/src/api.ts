// The console's API: the shapes of its answers, from its OpenAPI document, and one way to call it. Times are epoch
// milliseconds.

import type { components } from "holdfast-api";

import { bearer, renew, settings, signedOut } from "./auth.js";
import { words } from "./words.js";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

type Schema = components["schemas"];

export type Me = Schema["Me"];
export type CampaignRow = Schema["Row"];
export type RevisionRow = Schema["Revision"];
export type Published = Schema["Shown"];
export type Mistake = Schema["Mistake"];
export type Hint = Schema["Hint"];
export type Checked = Schema["Checked"];
export type Variable = Schema["Variable"];
export type Origin = Variable["origin"];
export type Traced = Schema["Traced"];
export type Preview = Schema["Previewed"];
export type Outcome = Schema["Outcome"];
export type Difference = Schema["Difference"];
export type Change = Schema["Change"];
export type Diff = Schema["Diff"];
export type Property = Schema["SeenProperty"];
export type Seen = Schema["SeenNames"];
export type Came = Schema["Came"];
export type Tailed = Schema["Tailed"];
export type LiveSource = Schema["LiveSource"];
export type LiveSources = Schema["Sources"];
export type Suggestion = Schema["Suggestion"];
export type SuggestionGroup = Schema["Group"];
export type Catalogs = Schema["Catalogs"];
export type Fact = Schema["Fact"];
export type Explanation = Schema["Explanation"];
export type Story = Schema["Explained"];
export type CampaignStats = Schema["Numbers"];
export type Followed = Schema["Followed"];
export type Comparison = Schema["Comparison"];
export type Behind = Schema["Behind"];
export type Stats = Schema["Statistics"];
export type Counts = Schema["Counts"];
export type QueueName = keyof Counts;
export type QueueMessage = Schema["Waiting"];
export type QueueGroup = Schema["QueueGroup"];
export type Queue = Schema["Queued"];
export type Match = Schema["Matched"];
export type Act = Schema["Act"];
export type Activity = Schema["Activity"];
export type Policy = Schema["PolicyShown"];
export type PolicyChecked = Schema["PolicyChecked"];
export type PolicyPublished = Schema["PolicyPublished"];

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: JsonObject = {},
  ) {
    super(message);
  }

  /** It may well go away by itself: the network, a limit for a while, the API. */
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

type Options = { body?: unknown; signal?: AbortSignal };

export const get = <T>(path: string, options?: Options): Promise<T> => call<T>("GET", path, options);
export const post = <T>(path: string, body: unknown, options?: Options): Promise<T> =>
  call<T>("POST", path, { ...options, body });

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
    throw new ApiError(0, "unreachable", words.errors.unreachable);
  }
  if (response.status === 401 && again && (await renew())) return call<T>(method, path, options, false);
  if (response.status === 401) {
    signedOut();
    const local = settings()?.auth.kind === "token";
    throw new ApiError(401, "unauthenticated", local ? words.app.signedOutLocally : words.errors.signedOut);
  }
  const answer = (await response.json().catch(() => null)) as JsonObject | null;
  if (response.ok) return answer as T;
  throw refused(response.status, answer);
}

function refused(status: number, answer: JsonObject | null): ApiError {
  const error = (answer?.["error"] ?? {}) as JsonObject;
  const message = typeof error["message"] === "string" ? error["message"] : said(status);
  return new ApiError(status, typeof error["code"] === "string" ? error["code"] : String(status), message, {
    ...answer,
    ...error,
  });
}

function said(status: number): string {
  if (status === 403) return words.errors.forbidden;
  return status === 429 || status === 503 ? words.errors.busy : words.errors.status(status);
}
