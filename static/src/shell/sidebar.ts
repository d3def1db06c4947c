// The sidebar folds to its icons. The choice lives in a cookie, so that the server draws the next page with it.
const YEAR = 365 * 24 * 3600;

export function setUpSidebar(): void {
  const button = document.getElementById("sidebar-fold");
  button?.addEventListener("click", () => {
    const folded = document.documentElement.dataset.sidebar !== "folded";
    if (folded) document.documentElement.dataset.sidebar = "folded";
    else delete document.documentElement.dataset.sidebar;
    document.cookie = `sidebar=${folded ? "folded" : ""}; path=/; samesite=lax; max-age=${folded ? YEAR : 0}`;
    button.setAttribute("aria-expanded", String(!folded));
  });
}
