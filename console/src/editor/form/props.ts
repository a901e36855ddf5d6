import type { Catalogs, Mistake, Preview, Seen, SuggestionGroup } from "../../api.js";
import type { Form } from "../../draft/text.js";
import type { Steps } from "../fields.js";

export type Said = (...path: (string | number)[]) => string[];

/** `of` names the field whose letters make one step of the history; without it an edit is a step of its own. */
export type Edit = (source: string, of?: string) => void;

export type FormProps = {
  form: Form;
  source: string;
  edit: Edit;
  steps: Steps;
  seen: Seen | null;
  catalogs: Catalogs["catalogs"];
  suggestions: SuggestionGroup[];
  preview: Preview | null;
  mistakes: Mistake[];
  mistaken: Said;
  hinted: Said;
  readOnly: boolean;
};
