// The service worker: shows what is pushed while no page is open, and opens the conversation. It keeps and fetches nothing.
interface Words { title: string; text: string; number: string; id: string }
interface Pushed extends ExtendableMessage { data: { json(): Words } | null }
interface Clicked extends ExtendableMessage { notification: Notification }
interface ExtendableMessage extends Event { waitUntil(work: Promise<unknown>): void }
interface Tab { url: string; focus(): Promise<unknown>; navigate(url: string): Promise<unknown> }
interface Scope {
  registration: { showNotification(title: string, options: NotificationOptions): Promise<void> };
  clients: { matchAll(query: object): Promise<Tab[]>; openWindow(url: string): Promise<unknown> };
  location: { origin: string };
  addEventListener(kind: "push", act: (event: Pushed) => void): void;
  addEventListener(kind: "notificationclick", act: (event: Clicked) => void): void;
}
const scope = self as unknown as Scope;

scope.addEventListener("push", (event) => {
  if (!event.data) return;
  const words = event.data.json();
  const options = { body: words.text, tag: `notice-${words.id}`, icon: "/static/img/favicon.svg", data: words.number };
  event.waitUntil(scope.registration.showNotification(words.title, options));
});

scope.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(`/inbox/${Number(event.notification.data)}/`));
});

/** In a page of the inbox that is there, else in a new one. */
async function open(path: string): Promise<void> {
  const tabs = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  const same = tabs.find((tab) => new URL(tab.url).pathname === path);
  await (same ? same.focus() : scope.clients.openWindow(scope.location.origin + path));
}
