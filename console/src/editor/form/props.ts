import type { Catalogs, Mistake, Seen, SuggestionGroup } from "../../api.js";
import type { Outline } from "../../draft/text.js";
import type { Steps } from "../fields.js";

export type Said = (...path: (string | number)[]) => string[];

/**
 * An edit changes the newest text, whichever one was rendered last: none is lost. `of` names the field whose letters make one
 * step of the history; without it an edit is a step of its own.
 */
export type Edit = (by: (source: string) => string, of?: string) => void;

export type FormProps = {
  form: Outline;
  edit: Edit;
  steps: Steps;
  seen: Seen | null;
  catalogs: Catalogs["catalogs"];
  suggestions: SuggestionGroup[];
  mistakes: Mistake[];
  mistaken: Said;
  hinted: Said;
  readOnly: boolean;
};
