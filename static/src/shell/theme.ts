// The choice lives in a cookie, so that the server draws the next page in it and nothing flashes.
const YEAR = 365 * 24 * 3600;

export function setUpTheme(): void {
  document.addEventListener("click", (event) => {
    const choice = (event.target as Element).closest<HTMLElement>("[data-theme-choice]");
    if (choice) setTheme(choice.dataset.themeChoice ?? "");
  });
}

function setTheme(theme: string): void {
  document.cookie = `theme=${theme}; path=/; samesite=lax; max-age=${theme ? YEAR : 0}`;
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const button of document.querySelectorAll<HTMLElement>("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
  }
}
