// `data-late="/address/"`: a part of the page that somebody else has to be asked for first; the page does not wait for them.

export async function fetchLateParts(): Promise<void> {
  const parts = document.querySelectorAll<HTMLElement>("[data-late]");
  await Promise.all([...parts].map(fill));
}

async function fill(part: HTMLElement): Promise<void> {
  try {
    const answer = await fetch(part.dataset.late!, { headers: { "X-Requested-With": "fetch" } });
    if (answer.ok && !answer.redirected) part.innerHTML = await answer.text();
  } catch {
    // The link inside still leads there.
  }
  part.removeAttribute("aria-busy");
}
