// What stands in the place of a page that could not be shown: the text that was written is at hand, and can be discarded.

import { Component, type ComponentChildren } from "preact";

import { allKept, discard } from "../draft/kept.js";
import { words } from "../words.js";
import { Icon } from "./icons.js";
import { Code, toast } from "./parts.js";

/** `place` is the address: on another page what went wrong on this one is over. */
type Props = { children: ComponentChildren; place: string; draft: string | null };

export class Boundary extends Component<Props, { error: Error | null }> {
  override state = { error: null };

  static override getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(error: unknown): void {
    // For whoever opens the browser's tools; the page itself goes on.
    console.warn(error);
  }

  override componentDidUpdate({ place }: Props): void {
    if (this.state.error && place !== this.props.place) this.setState({ error: null });
  }

  override render(): ComponentChildren {
    const { error } = this.state as { error: Error | null };
    if (!error) return this.props.children;
    return <Broken error={error} draft={this.props.draft} again={() => this.setState({ error: null })} />;
  }
}

function Broken({ error, draft, again }: { error: Error; draft: string | null; again: () => void }) {
  const kept = draft === null ? undefined : allKept().find((each) => each.name === draft);
  const drop = (): void => {
    if (kept) discard(kept.name);
    toast(words.broken.discarded);
    again();
  };
  return (
    <main id="main" class="narrow" tabIndex={-1}>
      <section class="card">
        <header>
          <Icon name="warning" class="icon-inline" />
          <h1>{words.broken.title}</h1>
        </header>
        <div class="body">
          <p>{words.broken.told}</p>
          {kept && <Code label={words.broken.text} text={kept.source} />}
          <div class="row">
            <button type="button" class="button primary" onClick={again}>
              {words.broken.again}
            </button>
            {kept && (
              <button type="button" class="button danger" onClick={drop}>
                {words.broken.discard}
              </button>
            )}
          </div>
          <details>
            <summary>{words.broken.log}</summary>
            <Code label={words.broken.log} text={String(error.stack ?? error)} />
          </details>
        </div>
      </section>
    </main>
  );
}
