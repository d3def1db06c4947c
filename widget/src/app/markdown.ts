/** A small, safe subset of Markdown as a tree: headings, paragraphs, lists, emphasis, code, links, citation marks. No HTML, no images. */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "strong" | "em"; children: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "link"; href: string; text: string }
  | { kind: "cite"; n: number };

export type Block =
  | { kind: "p" | "h"; children: Inline[] }
  | { kind: "ul" | "ol"; start: number; items: Inline[][] }
  | { kind: "pre"; text: string };

const SAFE = /^(https?:\/\/|mailto:)/i;
// Every repetition is bounded or cannot meet its own end, so that no text makes it slow.
const TOKEN =
  /!?\[([^\][\n]{0,300})\]\(([^\s()]{1,2000})\)|\[(\d{1,2})\]|\*\*([^*\n]{1,500})\*\*|(?<![\p{L}\d_*])([_*])([^_*\s][^_*\n]{0,500})\5(?![\p{L}\d_*])|`([^`\n]{1,500})`|https?:\/\/[^\s<>"'`]{1,2000}/gu;

/** Only addresses that cannot run anything; undefined for the rest. */
export const safeHref = (href: string | null | undefined): string | undefined => (href && SAFE.test(href) ? href : undefined);

export function inline(text: string, cites: ReadonlySet<number>): Inline[] {
  const out: Inline[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const node = read(match, cites);
    const before = text.slice(at, match.index);
    // A mark clings to its word, and one without a source leaves no gap.
    const words = !node || node.kind === "cite" ? before.trimEnd() : before;
    if (words) out.push({ kind: "text", text: words });
    at = match.index + match[0].length;
    if (node?.kind === "link" && node.text === node.href) at -= cutTail(node);
    if (node) out.push(node);
  }
  if (at < text.length) out.push({ kind: "text", text: text.slice(at) });
  return out;
}

/** The end of a sentence is not part of an address. Returns how much was cut. */
function cutTail(link: { href: string; text: string }): number {
  const tail = /[.,;:!?)\]»]+$/.exec(link.href)?.[0].length ?? 0;
  link.href = link.text = link.href.slice(0, link.href.length - tail);
  return tail;
}

function read(match: RegExpExecArray, cites: ReadonlySet<number>): Inline | null {
  const [whole, label, href, cite, strong, , em, code] = match;
  if (label !== undefined && href !== undefined) {
    // A picture would tell its server who reads; a link that leads nowhere safe stays as its words.
    return safeHref(href) && !whole.startsWith("!") ? { kind: "link", href, text: label || href } : { kind: "text", text: label };
  }
  if (cite !== undefined) {
    if (cites.has(Number(cite))) return { kind: "cite", n: Number(cite) };
    return cites.size ? null : { kind: "text", text: whole };
  }
  if (strong !== undefined) return { kind: "strong", children: inline(strong, cites) };
  if (em !== undefined) return { kind: "em", children: inline(em, cites) };
  if (code !== undefined) return { kind: "code", text: code };
  return { kind: "link", href: whole, text: whole };
}

const ITEM = /^\s*(?:([-*•])|(\d{1,3})[.)])\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const FENCE = /^\s*```/;

export function parse(text: string, cites: ReadonlySet<number> = new Set()): Block[] {
  const blocks: Block[] = [];
  let words: string[] = [];
  let fence: string[] | null = null;
  const end = (): void => {
    if (words.length) blocks.push({ kind: "p", children: inline(words.join("\n"), cites) });
    words = [];
  };
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    if (FENCE.test(line)) {
      end();
      if (fence) blocks.push({ kind: "pre", text: fence.join("\n") });
      fence = fence ? null : [];
    } else if (fence) fence.push(line);
    else if (!line.trim()) end();
    else if (HEADING.test(line)) {
      end();
      blocks.push({ kind: "h", children: inline(HEADING.exec(line)?.[1] ?? "", cites) });
    } else if (!addItem(line, blocks, words.length > 0, cites, end)) words.push(line);
  }
  end();
  if (fence?.length) blocks.push({ kind: "pre", text: fence.join("\n") });
  return blocks;
}

/** Appends a line of a list to the list that it goes on, or begins one. */
function addItem(line: string, blocks: Block[], inParagraph: boolean, cites: ReadonlySet<number>, end: () => void): boolean {
  const item = ITEM.exec(line);
  if (!item) return false;
  end();
  const [, bullet, number, words = ""] = item;
  const kind = bullet ? "ul" : "ol";
  const last = blocks.at(-1);
  const children = inline(words, cites);
  if (!inParagraph && last?.kind === kind) last.items.push(children);
  else blocks.push({ kind, start: Number(number ?? 1), items: [children] });
  return true;
}

/** What a screen reader and a notice are told: the words alone. */
export const plain = (text: string): string =>
  text.replace(/!?\[([^\][\n]{1,300})\]\([^()\s]{1,2000}\)/g, "$1").replace(/\s*\[\d{1,2}\]/g, "").replace(/^#+\s+|[*_`]/gm, "");
