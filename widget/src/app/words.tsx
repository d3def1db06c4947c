/** Markdown as a tree of nodes: no markup is ever parsed by the browser. */
import { useMemo } from "preact/hooks";
import { parse, type Block, type Inline } from "./markdown";

export interface Cites {
  /** Titles by number. */
  titles: ReadonlyMap<number, string>;
  shown: number | null;
  label: string;
  show(n: number): void;
}

// Of an answer that is still being written the sources are not known yet: any mark may be one.
const ANY: ReadonlySet<number> = new Set(Array.from({ length: 99 }, (_, index) => index + 1));

export function Words({ text, cites, unfinished }: { text: string; cites?: Cites | undefined; unfinished?: boolean }) {
  const blocks = useMemo(() => parse(text, unfinished ? ANY : new Set(cites?.titles.keys())), [text, cites?.titles.size]);
  return <>{blocks.map((block, index) => <BlockView key={index} block={block} cites={cites} />)}</>;
}

function BlockView({ block, cites }: { block: Block; cites: Cites | undefined }) {
  if (block.kind === "pre") return <pre tabIndex={0}>{block.text}</pre>;
  if ("children" in block) return <p class={block.kind === "h" ? "heading" : "text"}><Line nodes={block.children} cites={cites} /></p>;
  const items = block.items.map((item, index) => <li key={index}><Line nodes={item} cites={cites} /></li>);
  return block.kind === "ul" ? <ul>{items}</ul> : <ol start={block.start}>{items}</ol>;
}

function Line({ nodes, cites }: { nodes: Inline[]; cites: Cites | undefined }) {
  return <>{nodes.map((node, index) => <Node key={index} node={node} cites={cites} />)}</>;
}

function Node({ node, cites }: { node: Inline; cites: Cites | undefined }) {
  switch (node.kind) {
    case "text": return <>{node.text}</>;
    case "code": return <code>{node.text}</code>;
    case "link": return <a href={node.href} target="_blank" rel="noopener noreferrer nofollow">{node.text}</a>;
    case "strong": return <strong><Line nodes={node.children} cites={cites} /></strong>;
    case "em": return <em><Line nodes={node.children} cites={cites} /></em>;
    case "cite": return <sup><Mark n={node.n} cites={cites} /></sup>;
  }
}

function Mark({ n, cites }: { n: number; cites: Cites | undefined }) {
  if (!cites) return <span class="cite">{n}</span>;
  return (
    <button type="button" class="cite" aria-expanded={cites.shown === n} aria-label={`${cites.label} ${n}: ${cites.titles.get(n) ?? ""}`} onClick={() => cites.show(n)}>
      {n}
    </button>
  );
}
