import { h } from "preact";

export type Shapes = [tag: string, attributes: Record<string, string>][];

/** Always beside words or inside a control that has a name. */
export function Icon({ of, small }: { of: Shapes; small?: boolean }) {
  return <svg viewBox="0 0 24 24" class={small ? "small" : undefined} aria-hidden="true">{of.map(([tag, attributes]) => h(tag, attributes))}</svg>;
}
