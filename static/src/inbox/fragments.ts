// Server-rendered fragments find their own place: rows and bubbles by order, everything else by id; what is there is morphed,
// so that focus, scroll and half-typed words survive.
import { Idiomorph } from "idiomorph";
import { placeRow, settleList } from "./list";
import { htmx } from "./server";
import { placeItem, settleThread } from "./thread";

export function parse(html: string): Element[] {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

export function apply(elements: Iterable<Element>): void {
  for (const element of [...elements]) place(element);
  settleList();
  settleThread();
  document.dispatchEvent(new CustomEvent("inbox:changed"));
}

function place(element: Element): void {
  if (element.matches("li.ticket")) placeRow(element as HTMLElement);
  else if (element.matches("li.item")) placeItem(element as HTMLElement);
  else {
    const there = document.getElementById(element.id);
    if (there) morph(there, element);
  }
}

export function morph(there: Element, wanted: Element): void {
  Idiomorph.morph(there, wanted, {
    morphStyle: "outerHTML",
    // Of a field that is being typed in; of a link that has the focus the library would leave its words as they were.
    ignoreActiveValue: document.activeElement?.matches("input, textarea, select") ?? false,
    callbacks: {
      // What the reader has unfolded stays so, and as tall as it is.
      beforeAttributeUpdated: (name: string, node: Element) =>
        !(name === "open" && node.tagName === "DETAILS") && !(name === "style" && node.tagName === "IFRAME"),
    },
  });
  const now = wanted.id ? document.getElementById(wanted.id) : null;
  if (now) htmx.process(now);
}

/** `hx-swap="fragments"`: the answer to a form or link is placed like what the socket brings. */
export function setUpFragments(): void {
  // Morphing leaves what is unfolded as it is; a form that has done its work is folded.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt, shouldSwap } = (event as CustomEvent<{ elt: Element; shouldSwap: boolean }>).detail;
    if (shouldSwap) elt.closest("details.change")?.removeAttribute("open");
  });
  htmx.defineExtension("fragments", {
    isInlineSwap: (style: string) => style === "fragments",
    handleSwap: (style: string, _target: Node, fragment: Node) => {
      if (style !== "fragments") return false;
      apply((fragment as DocumentFragment).children);
      return [];
    },
  } as never);
}
