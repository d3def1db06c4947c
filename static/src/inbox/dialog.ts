// The one dialog of the inbox: a button with `hx-target="#dialog"` fills and opens it, a form in it that succeeds closes it. What
// the server refuses is said inside, for a message behind it would not be seen.
import { inPart } from "./parts";
import { sentence } from "./server";

type Detail = { elt: Element; target: Element; xhr: XMLHttpRequest; successful: boolean; requestConfig: { verb: string } };

const dialog = (): HTMLDialogElement => document.querySelector<HTMLDialogElement>("#dialog")!;

export function setUpDialog(): void {
  document.addEventListener("htmx:afterSwap", (event) => {
    if ((event as CustomEvent<Detail>).detail.target !== dialog()) return;
    if (!dialog().open) dialog().showModal();
    dialog().querySelector<HTMLElement>("[data-moment], [data-first]")?.focus();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, successful, requestConfig } = (event as CustomEvent<Detail>).detail;
    if (successful && requestConfig.verb === "post" && dialog().contains(elt)) dialog().close();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { elt, xhr } = (event as CustomEvent<Detail>).detail;
    if (!dialog().open || !dialog().contains(elt) || xhr.getResponseHeader("HX-Redirect")) return;
    event.stopPropagation();
    const trouble = inPart(dialog(), "trouble");
    trouble.textContent = sentence(xhr.responseText);
    trouble.hidden = false;
  }, { capture: true });
}
