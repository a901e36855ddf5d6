// What followed a campaign's messages, and whether they make a difference: each comparison with its sentence, and what a
// plain dashboard would claim.

import type { Comparison, Followed } from "../api.js";
import { FiguresTable, number } from "../ui/parts.js";
import { words } from "../words.js";

const TONES: Record<Comparison["verdict"], string> = {
  works: "good",
  harms: "bad",
  "not yet": "info",
  "nothing to compare": "plain",
};

export function Difference({ of }: { of: Comparison }) {
  const { verdict, sentence, plain_dashboard, treated, control, currency, amount_per_user } = of;
  const about = words.outcome.compared(of.variant, of.against);
  const some = of.against !== null;
  return (
    <section class="card comparison" aria-label={about}>
      <header>
        <h2 class="grow wraps">{about}</h2>
        <span class={`pill ${TONES[verdict]}`}>{words.outcome.verdicts[verdict]}</span>
      </header>
      <div class="body stack">
        <p class="verdict">{sentence}</p>
        {some && (
          <FiguresTable
            label={words.outcome.groups}
            columns={[
              words.outcome.group,
              words.outcome.users,
              words.outcome.converted,
              words.outcome.share,
              words.outcome.amount(currency),
            ]}
          >
            <Line name={words.outcome.treated(of.variant)} of={treated} />
            <Line name={words.outcome.against(of.against)} of={control} />
          </FiguresTable>
        )}
        {some && treated.users > 0 && control.users > 0 && (
          <p class="help">
            {words.outcome.sure}
            {amount_per_user && ` ${words.outcome.perUser(amount_per_user[0], amount_per_user[1], currency)}`}
          </p>
        )}
        {some && (
          <p class="help">
            <span class="wraps">{plain_dashboard}</span> {words.outcome.plainAbout}
          </p>
        )}
      </div>
    </section>
  );
}

function Line({ name, of }: { name: string; of: Comparison["treated"] }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{number(of.users)}</td>
      <td>{number(of.converted)}</td>
      <td>{of.users ? words.outcome.percent(of.converted / of.users) : "–"}</td>
      <td>{words.outcome.money(of.amount)}</td>
    </tr>
  );
}

type Sum = Pick<Followed, "variant" | "group" | "currency" | "messages" | "converted" | "amount">;

/** By variant, group and currency, over all days and revisions. */
export function summed(rows: Followed[]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { variant, group, currency, messages, converted, amount } of rows) {
    const key = JSON.stringify([variant, group, currency]);
    const before = sums.get(key) ?? { variant, group, currency, messages: 0, converted: 0, amount: 0 };
    sums.set(key, {
      ...before,
      messages: before.messages + messages,
      converted: before.converted + converted,
      amount: before.amount + amount,
    });
  }
  return [...sums.values()].sort((a, b) => a.group.localeCompare(b.group) || a.variant.localeCompare(b.variant));
}

export function Conversions({ rows }: { rows: Followed[] }) {
  return (
    <section class="card" aria-labelledby="followed">
      <header>
        <h2 id="followed">{words.outcome.title}</h2>
        <span class="help">{words.outcome.about}</span>
      </header>
      <div class="body">
        {rows.length === 0 && <p class="help">{words.outcome.none}</p>}
        {rows.length > 0 && (
          <FiguresTable
            label={words.outcome.title}
            columns={[words.outcome.group, words.outcome.messages, words.outcome.converted, words.outcome.amount(null)]}
          >
            {summed(rows).map((each) => (
              <tr key={`${each.variant} ${each.group} ${each.currency}`}>
                <th scope="row">{words.outcome.arm(each.variant, each.group)}</th>
                <td>{number(each.messages)}</td>
                <td>{number(each.converted)}</td>
                <td>{`${words.outcome.money(each.amount)} ${each.currency}`.trim()}</td>
              </tr>
            ))}
          </FiguresTable>
        )}
      </div>
    </section>
  );
}
