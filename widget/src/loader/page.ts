/** Calls `tell` when a single-page application changes its address: by the Navigation API, else by its patched history. */
export function followPage(tell: () => void): () => void {
  let last = location.href;
  const look = (): void => {
    if (location.href === last) return;
    last = location.href;
    setTimeout(tell); // after the page has set its title
  };
  const { navigation } = window as { navigation?: EventTarget };
  if (navigation) {
    navigation.addEventListener("navigatesuccess", look);
    return () => navigation.removeEventListener("navigatesuccess", look);
  }
  const { history } = window;
  const own = { pushState: history.pushState, replaceState: history.replaceState };
  const patch = (name: "pushState" | "replaceState") => (...args: Parameters<History["pushState"]>): void => {
    own[name].apply(history, args);
    look();
  };
  Object.assign(history, { pushState: patch("pushState"), replaceState: patch("replaceState") });
  addEventListener("popstate", look);
  addEventListener("hashchange", look);
  return () => {
    Object.assign(history, own);
    removeEventListener("popstate", look);
    removeEventListener("hashchange", look);
  };
}
