// `data-poll="/address/"`: a part that is asked for anew, every second or so, until what comes has no such attribute any more.
const PAUSE = 1_000;

export function setUpPolling(): void {
  // The inbox hears over its socket.
  if (document.querySelector(".inbox")) return;
  for (const part of document.querySelectorAll<HTMLElement>("[data-poll]")) void follow(part.id, part.dataset.poll!);
}

async function follow(id: string, address: string): Promise<void> {
  for (;;) {
    await new Promise((resume) => setTimeout(resume, PAUSE));
    try {
      const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
      if (answer.redirected || (answer.status >= 400 && answer.status < 500)) return;
      if (!answer.ok) continue;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
      const part = document.getElementById(id);
      if (!fresh || !part) return;
      part.replaceWith(fresh);
      if (!fresh.dataset.poll) return;
    } catch {
      // The network is away for a moment.
    }
  }
}
