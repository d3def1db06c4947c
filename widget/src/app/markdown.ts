/** A small, safe subset of Markdown as a tree: paragraphs, lists, bold, italic, code, links and citation marks. No HTML, no images. */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "strong" | "em"; children: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "link"; href: string; text: string }
  | { kind: "cite"; n: number };

export type Block = { kind: "p"; children: Inline[] } | { kind: "ul" | "ol"; items: Inline[][] };

const SAFE = /^(https?:\/\/|mailto:)/i;
const TOKEN =
  /\[([^\]\n]{1,300})\]\(([^\s)]{1,2000})\)|\[(\d{1,2})\]|\*\*([^*\n]+)\*\*|(?<![\p{L}\d_])_([^_\n]+)_(?![\p{L}\d_])|`([^`\n]+)`|https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]»]/gu;

export function inline(text: string, cites: ReadonlySet<number>): Inline[] {
  const out: Inline[] = [];
  let at = 0;
  const put = (piece: string): void => { if (piece) out.push({ kind: "text", text: piece }); };
  for (const match of text.matchAll(TOKEN)) {
    const [whole, label, href, cite, strong, em, code] = match;
    put(text.slice(at, match.index));
    at = match.index + whole.length;
    if (label !== undefined && href !== undefined) {
      if (SAFE.test(href) && text[match.index - 1] !== "!") out.push({ kind: "link", href, text: label });
      else put(label); // a link that leads nowhere safe stays as its words
    } else if (cite !== undefined) {
      if (cites.has(Number(cite))) out.push({ kind: "cite", n: Number(cite) });
      else if (cites.size === 0) put(whole);
    } else if (strong !== undefined) out.push({ kind: "strong", children: inline(strong, cites) });
    else if (em !== undefined) out.push({ kind: "em", children: inline(em, cites) });
    else if (code !== undefined) out.push({ kind: "code", text: code });
    else out.push({ kind: "link", href: whole, text: whole });
  }
  put(text.slice(at));
  return out;
}

export function parse(text: string, cites: ReadonlySet<number> = new Set()): Block[] {
  const blocks: Block[] = [];
  for (const chunk of text.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    let lines: string[] = [];
    const flush = (): void => {
      if (lines.length) blocks.push({ kind: "p", children: inline(lines.join("\n"), cites) });
      lines = [];
    };
    for (const line of chunk.split("\n")) {
      const item = /^\s*(?:([-*•])|\d{1,3}[.)])\s+(.*)$/.exec(line);
      if (!item) { if (line.trim()) lines.push(line); continue; }
      flush();
      const kind = item[1] ? "ul" : "ol";
      const last = blocks.at(-1);
      const children = inline(item[2] ?? "", cites);
      if (last && last.kind === kind) last.items.push(children);
      else blocks.push({ kind, items: [children] });
    }
    flush();
  }
  return blocks;
}

/** What a screen reader is told: the words alone. */
export const plain = (text: string): string =>
  text.replace(/\[([^\]]+)\]\([^)]+\)/g, "$1").replace(/\s*\[\d{1,2}\]/g, "").replace(/[*_`]/g, "");
