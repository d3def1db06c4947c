/** “Contact us” opens the chat on this page; without this script its link opens the chat's own page. */
document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || !event.target.closest("[data-open-chat]")) return;
  const host = window as { OmniSupport?: { push(...calls: unknown[]): unknown } };
  // Not there yet, or kept out by the reader's browser: then the link does what it says.
  if (!host.OmniSupport) return;
  event.preventDefault();
  host.OmniSupport.push(["show"]);
});
