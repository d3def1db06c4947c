// Pages of contacts: notes save themselves while they are typed, and masked details come without a reload.
const PAUSE = 800;
const HEADERS = { "HX-Request": "true" };

async function send(form: HTMLFormElement, body: FormData, keepalive = false): Promise<string> {
  const answer = await fetch(form.action, { method: "POST", body, headers: HEADERS, keepalive });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

function saveWhileTyped(form: HTMLFormElement): void {
  const state = form.querySelector<HTMLElement>("[role=status]")!;
  let timer = 0;
  const wait = (pause: number): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void save(), pause);
  };
  const save = async (leaving = false): Promise<void> => {
    clearTimeout(timer);
    timer = 0;
    state.textContent = state.dataset.saving!;
    try {
      await send(form, new FormData(form), leaving);
      if (!timer) state.textContent = state.dataset.saved!;
    } catch {
      state.textContent = state.dataset.failed!;
      wait(5 * PAUSE);
    }
  };
  form.addEventListener("input", () => wait(PAUSE));
  form.addEventListener("submit", (event) => { event.preventDefault(); void save(); });
  addEventListener("pagehide", () => { if (timer) void save(true); });
}

function showInPlace(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const template = document.createElement("template");
    void send(form, new FormData(form, event.submitter)).then(
      (html) => { template.innerHTML = html; form.replaceWith(template.content); },
      () => location.reload(),
    );
  });
}

/** How far an import has come, until it is done. */
async function follow(): Promise<void> {
  while (document.querySelector("[data-unfinished]")) {
    await new Promise((resume) => setTimeout(resume, 2_000));
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) continue;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("main")!.replaceWith(page.getElementById("main")!);
  }
}

void follow();
document.querySelectorAll<HTMLFormElement>("form[data-autosave]").forEach(saveWhileTyped);
document.querySelectorAll<HTMLFormElement>("form.reveal").forEach(showInPlace);
