// @ts-check
// While test questions are asked, the bar moves; when the run is over, the page shows its results.
(() => {
  const PERIOD = 2000;
  const shown = () => document.querySelector("#run[data-running]");

  async function refresh() {
    const answer = document.hidden ? null : await fetch(window.location.href).catch(() => null);
    if (answer?.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#run[data-running]");
      if (!fresh) {
        window.location.reload();
        return;
      }
      shown()?.replaceChildren(...document.importNode(fresh, true).childNodes);
    }
    window.setTimeout(refresh, PERIOD);
  }

  if (shown()) window.setTimeout(refresh, PERIOD);
})();
