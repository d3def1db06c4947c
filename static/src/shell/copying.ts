// `data-copy="id"`: what stands in that field goes to the clipboard; `data-copied` is what the button then says.

export function setUpCopying(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("[data-copy]");
    if (button) void copy(button);
  });
}

async function copy(button: HTMLButtonElement): Promise<void> {
  const field = document.getElementById(button.dataset.copy!) as HTMLInputElement;
  // Chosen too: where the clipboard is closed to pages (plain http), the keys of the system do it.
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = button.dataset.copied!;
  } catch {
    document.execCommand("copy");
  }
}
