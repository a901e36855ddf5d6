// One message on the real bus, marked as a test.

import { useState } from "preact/hooks";

import { type ApiError, post } from "../api.js";
import { asApiError } from "../data.js";
import { Code, Dialog, Failed, Notice } from "../ui/parts.js";
import { words } from "../words.js";
import type { Sample } from "./live.js";

type Props = { id: string; source: string; sample: Sample | null; pattern: unknown; close: () => void };

export function TestSend({ id, source, sample, pattern, close }: Props) {
  const [error, setError] = useState<ApiError | null>(null);
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await post<unknown>(`/campaigns/${encodeURIComponent(id)}/test-send`, { source, ...sample });
      setSent(true);
    } catch (reason) {
      setError(asApiError(reason));
    } finally {
      setBusy(false);
    }
  };
  const button = busy ? words.publish.testSending : sent ? words.publish.testAgain : words.publish.testSend;
  const footer = (
    <>
      <button type="button" class="button" onClick={close}>
        {sent ? words.publish.testDone : words.publish.testNotNow}
      </button>
      <button type="button" class="button primary" disabled={!sample || busy} onClick={send}>
        {button}
      </button>
    </>
  );
  return (
    <Dialog title={words.publish.testTitle} close={close} footer={footer}>
      <p>{words.publish.testAbout}</p>
      {!sample && (
        <Notice kind="warn">
          <span>{words.publish.testNobody}</span>
        </Notice>
      )}
      {sample && (
        <p>
          {words.publish.testUser} <b>{sample.user}</b>
        </p>
      )}
      {error && <Failed error={error} />}
      {sent && (
        <Notice kind="good">
          <span>{words.publish.testOnBus}</span>
        </Notice>
      )}
      {sent && <Code label={words.publish.testPattern} text={JSON.stringify(testPattern(pattern), null, 2)} />}
    </Dialog>
  );
}

function testPattern(pattern: unknown): unknown {
  const copy = structuredClone(pattern ?? {}) as Record<string, unknown>;
  const types = copy["detail-type"];
  if (Array.isArray(types)) copy["detail-type"] = types.map((type) => `${String(type)} Test`);
  return copy;
}
