// Who looks at what and who is here, as the server tells it: everything at once when asked, then each change.
import type { HereFrame, PresenceFrame, ViewingFrame } from "./feed";

export type Person = ViewingFrame["who"][number];
type Change = ViewingFrame | PresenceFrame;

export class Here {
  readonly viewing = new Map<string, Person[]>();
  readonly presence = new Map<string, string>();
  // While everything is asked for. A change may overtake the answer on its way and is newer then: it is applied once more after it.
  private meanwhile: Change[] | null = null;

  ask(): void {
    this.meanwhile = [];
  }

  takeAll(frame: HereFrame): void {
    this.viewing.clear();
    this.presence.clear();
    for (const [ticket, who] of Object.entries(frame.viewing)) this.viewing.set(ticket, who);
    for (const [user, state] of Object.entries(frame.presence)) this.presence.set(user, state);
    const overtaken = this.meanwhile ?? [];
    this.meanwhile = null;
    for (const change of overtaken) this.take(change);
  }

  take(change: Change): void {
    this.meanwhile?.push(change);
    if (change.type === "viewing") put(this.viewing, change.ticket, change.who.length ? change.who : null);
    else put(this.presence, change.user, change.state === "offline" ? null : change.state);
  }
}

function put<Value>(map: Map<string, Value>, key: string, value: Value | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
