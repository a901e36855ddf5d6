// The way to the field that a mistake is about.

const FIELDS = "[aria-invalid=true], .cm-content, input:not([disabled]), textarea, select, button";

/** Puts the focus on the field at a path of the file, or at what is nearest above it; false where there is none. */
export function leadTo(path: readonly (string | number)[]): boolean {
  for (let length = path.length; length > 0; length--) {
    const place = path.slice(0, length).join(".");
    const found = [...document.querySelectorAll<HTMLElement>("[data-place]")].find(({ dataset }) => {
      const places = dataset["place"] ?? "";
      return places === place || places.split(" ").includes(place);
    });
    if (!found) continue;
    for (const details of ancestors(found, "details")) details.open = true;
    const host = found.querySelector<HTMLElement>(".editor .host");
    const field =
      host?.shadowRoot?.querySelector<HTMLElement>(".cm-content") ?? found.querySelector<HTMLElement>(FIELDS);
    found.scrollIntoView({ block: "center" });
    (field ?? found).focus();
    return true;
  }
  return false;
}

function ancestors(of: HTMLElement, kind: "details"): HTMLDetailsElement[] {
  const found: HTMLDetailsElement[] = [];
  for (let at = of.closest(kind); at; at = at.parentElement?.closest(kind) ?? null) found.push(at);
  return found;
}
