// What the benchmark of the screen measures inside the page. A thing is there when the frame that shows it has been painted: a
// task that is posted in the frame's own callback runs after it.
window.painted = () => new Promise((done) => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done(performance.now());
  requestAnimationFrame(() => channel.port2.postMessage(null));
});

/** When (performance.now) an element of `selector` with `words` has been painted; -1: not within 20 s. */
window.shown = (selector, words) => new Promise((done) => {
  const isThere = () => [...document.querySelectorAll(selector)].some((element) => element.checkVisibility() && element.textContent.includes(words));
  const finish = async () => { watch.disconnect(); clearTimeout(patience); done(await window.painted()); };
  const watch = new MutationObserver(() => { if (isThere()) finish(); });
  const patience = setTimeout(() => { watch.disconnect(); done(-1); }, 20000);
  watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  if (isThere()) finish();
});

/** Milliseconds from the next event of this kind until each of `wanted`, pairs of selector and words, has been painted. */
window.timed = (kind, wanted) => new Promise((done) => {
  addEventListener(kind, async (event) => {
    const times = await Promise.all(wanted.map(([selector, words]) => window.shown(selector, words)));
    done(times.map((at) => (at < 0 ? 20000 : at - event.timeStamp)));
  }, { capture: true, once: true });
});

// When the words of customers were painted, in ms since 1970: `bubbles` by number; `rows` as [customer, number, when].
window.seen = { bubbles: {}, rows: [] };
const MARK = /к(\d+)-м(\d+)/;
const newest = new Map();
let due = false;

async function note() {
  due = false;
  const found = [];
  for (const row of document.querySelectorAll("#rows .ticket__last")) {
    const [, who, number] = MARK.exec(row.textContent) ?? [];
    if (number && newest.get(who) !== number) found.push([Number(who), Number(number)]);
    if (number) newest.set(who, number);
  }
  const bubbles = [...document.querySelectorAll("#thread > .item--in .bubble__text")].slice(-12)
    .map((text) => MARK.exec(text.textContent)?.[2]).filter((number) => number && !(number in window.seen.bubbles));
  if (!found.length && !bubbles.length) return;
  const at = performance.timeOrigin + await window.painted();
  for (const number of bubbles) window.seen.bubbles[number] ??= at;
  for (const [who, number] of found) window.seen.rows.push([who, number, at]);
}

new MutationObserver(() => {
  if (due) return;
  due = true;
  queueMicrotask(note);
}).observe(document, { childList: true, subtree: true, characterData: true });

new PerformanceObserver((list) => { window.largest = list.getEntries().at(-1).startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
