// @ts-check
// While documents are being read or indexed, the list brings its cells up to date; rows and ticks stay as they are.
(() => {
  const PERIOD = 2000;
  const CELLS = "#result_list tbody tr > [class^='field-']";
  let left = 300;

  async function refresh() {
    if (!document.hidden) {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } }).catch(() => null);
      if (answer?.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll(CELLS);
        const shown = document.querySelectorAll(CELLS);
        if (fresh.length !== shown.length) return; // rows came or went: the person reloads
        shown.forEach((cell, i) => {
          if (cell.textContent !== fresh[i].textContent) cell.replaceWith(document.importNode(fresh[i], true));
        });
      }
    }
    if (--left > 0) window.setTimeout(refresh, PERIOD);
  }

  if (document.querySelector(CELLS)) window.setTimeout(refresh, PERIOD);
})();
