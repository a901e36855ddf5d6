// Who one is. Tokens are kept in this module's memory and nowhere else: after a reload one signs in anew, which Cognito
// answers at once for as long as its own session lasts. What has to outlive the way to the hosted page and back (the PKCE
// verifier, and where one was) is in sessionStorage, and worth nothing to anyone else.
//
// `holdfast console`, on one's own machine, sets a cookie that scripts cannot read and that is good for one thing: to be
// exchanged for a token, by this page. So a reload, and a second tab, are signed in as well.

import { words } from "./words.js";

export type Config = { stage: string; auth: { kind: "token" } | Cognito };
type Cognito = {
  kind: "cognito";
  authorize_url: string;
  token_url: string;
  logout_url: string;
  client_id: string;
  scopes: string[];
};

export class SignInFailed extends Error {}

type Tokens = { bearer: string; refresh?: string };

let config: Config | null = null;
let tokens: Tokens | null = null;

const PENDING = "holdfast.sign-in";

export const bearer = (): string | null => tokens?.bearer ?? null;
export const settings = (): Config | null => config;

/** Comes back signed in, or not at all, because the browser is on its way to the hosted page. */
export async function signIn(): Promise<void> {
  config = await readConfig();
  if (config.auth.kind === "token") return exchangeLocalToken();
  const query = new URLSearchParams(location.search);
  if (query.has("error"))
    throw new SignInFailed(words.signIn.refused(query.get("error_description") ?? query.get("error") ?? ""));
  if (query.has("code")) return redeem(config.auth, query);
  return toHostedPage(config.auth);
}

/** After a 401: with the refresh token if there is one, else by the hosted page. False where neither is to be had. */
export async function renew(): Promise<boolean> {
  if (config?.auth.kind === "token") {
    return exchangeLocalToken().then(
      () => true,
      () => false,
    );
  }
  if (config?.auth.kind !== "cognito") return false;
  const { refresh } = tokens ?? {};
  if (refresh) {
    tokens = null;
    try {
      await takeTokens(config.auth, { grant_type: "refresh_token", refresh_token: refresh }, refresh);
      return true;
    } catch {
      // expired, or revoked: sign in anew
    }
  }
  await toHostedPage(config.auth);
  return false;
}

export function signOut(): void {
  tokens = null;
  if (config?.auth.kind !== "cognito") return;
  const query = new URLSearchParams({ client_id: config.auth.client_id, logout_uri: home() });
  location.assign(`${config.auth.logout_url}?${query}`);
}

async function readConfig(): Promise<Config> {
  const response = await fetch("config.json");
  if (!response.ok) throw new SignInFailed(words.signIn.noSettings);
  return (await response.json()) as Config;
}

async function exchangeLocalToken(): Promise<void> {
  const once = new URLSearchParams(location.hash.slice(1)).get("token");
  if (once) history.replaceState(null, "", home());
  const response = await fetch("session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(once ? { token: once } : {}),
  });
  if (!response.ok) throw new SignInFailed(once ? words.signIn.usedToken : words.signIn.noToken);
  tokens = { bearer: ((await response.json()) as { bearer: string }).bearer };
}

const heard = new Set<() => void>();

/** Calls back as soon as the API says that one is not signed in any more. */
export function onSignedOut(call: () => void): () => void {
  heard.add(call);
  return () => void heard.delete(call);
}

export function signedOut(): void {
  for (const call of heard) call();
}

/** The page's own address, which on the embedded AWS is not the root. */
const home = (): string => location.origin + location.pathname;

async function toHostedPage(auth: Cognito): Promise<never> {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(48)));
  const state = base64url(crypto.getRandomValues(new Uint8Array(18)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, hash: location.hash }));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: auth.client_id,
    redirect_uri: home(),
    scope: auth.scopes.join(" "),
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.assign(`${auth.authorize_url}?${query}`);
  return new Promise<never>(() => undefined);
}

async function redeem(auth: Cognito, query: URLSearchParams): Promise<void> {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "{}") as {
    verifier?: string;
    state?: string;
    hash?: string;
  };
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", home() + (pending.hash ?? ""));
  // Not what this tab asked for: somebody else's link, or a page gone back to. Ask anew.
  if (!pending.verifier || query.get("state") !== pending.state) return toHostedPage(auth);
  await takeTokens(auth, {
    grant_type: "authorization_code",
    code: query.get("code") ?? "",
    redirect_uri: home(),
    code_verifier: pending.verifier,
  });
}

async function takeTokens(auth: Cognito, grant: Record<string, string>, refresh?: string): Promise<void> {
  const response = await fetch(auth.token_url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ client_id: auth.client_id, ...grant }),
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, string>;
  const token = answer["access_token"];
  if (!response.ok || !token) throw new SignInFailed(words.signIn.failed(answer["error"] ?? String(response.status)));
  const kept = answer["refresh_token"] ?? refresh;
  tokens = kept ? { bearer: token, refresh: kept } : { bearer: token };
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
}
