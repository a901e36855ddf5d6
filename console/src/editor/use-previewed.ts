// For whom the preview is, and what it shows.

import { useEffect, useMemo, useState } from "preact/hooks";

import type { JsonObject, Preview, Seen, SuggestionGroup } from "../api.js";
import { useData } from "../data.js";
import type { Form } from "../draft/text.js";
import { type Answer, type Sample, type Subject, saidBy, usePreview, useSuggestions } from "./live.js";
import { type Need, needs, sampleOf } from "./sample.js";

export type Previewed = {
  seen: Seen | null;
  suggestions: SuggestionGroup[];
  subject: Subject;
  setSubject: (subject: Subject) => void;
  wanted: Need[];
  sample: Sample | null;
  answer: Answer<Preview>;
};

export function usePreviewed(name: string, form: Form | null, source: string, data: JsonObject | null): Previewed {
  const seen = useData<Seen>("/seen", { live: true }).data;
  const suggestions = useSuggestions(
    useMemo(() => nameable(data), [data]),
    seen,
  );
  const [subject, setSubject] = useSubject(name);
  const [more, setMore] = useState<string[]>([]);
  const wanted = useMemo(() => (form ? needs(form, seen, more) : []), [form, seen, more]);
  const sample = form ? sampleOf(form, subject, wanted) : null;
  const answer = usePreview(saidBy(source, data), sample);
  useEffect(() => {
    // What is named in a way that only the real parser sees through.
    const traced = Object.values(answer.data?.values ?? {});
    const names = traced.flatMap((each) => each.variables.map((variable) => `{{ ${variable.name} }}`));
    setMore((before) => (JSON.stringify(before) === JSON.stringify(names) ? before : names));
  }, [answer.data]);
  return { seen, suggestions, subject, setSubject, wanted, sample, answer };
}

/** What a menu depends on: letters typed into a value ask for no other one. */
function nameable(data: JsonObject | null): JsonObject | null {
  if (!data) return null;
  const { send, when, constant, catalogs } = data;
  const one_per = (send as JsonObject | null | undefined)?.["one_per"];
  const said = { when, constant, catalogs, send: one_per === undefined ? undefined : { one_per } };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as JsonObject;
}

function useSubject(name: string): [Subject, (subject: Subject) => void] {
  const [subject, set] = useState<Subject>(subjects.get(name) ?? { kind: "made-up", user: "", values: {} });
  return [
    subject,
    (next) => {
      subjects.set(name, next);
      set(next);
    },
  ];
}
const subjects = new Map<string, Subject>();
