/** One message: its words as a tree of safe nodes, files, sources, state. */
import { useState } from "preact/hooks";
import type { Citation, Message } from "../protocol";
import { parse, type Block, type Inline } from "./markdown";
import { fileSize, say, type Language } from "./texts";

interface Props { message: Message; language: Language; last: boolean; onRetry(): void; onButton(value: string): void }

export function Bubble({ message, language, last, onRetry, onButton }: Props) {
  const [shown, setShown] = useState<number | null>(null);
  const t = (key: Parameters<typeof say>[1]): string => say(language, key);
  if (message.author === "system") {
    return <li class="notice"><Words text={message.text} /></li>;
  }
  const cites = new Set(message.citations.map((source) => source.n));
  const source = message.citations.find((c) => c.n === shown);
  const who = message.author === "assistant" ? t("assistant") : message.name;
  return (
    <li class={`row ${message.author}`}>
      {message.author !== "visitor" && <p class="who">{who}</p>}
      <div class="bubble">
        <span class="sr">{message.author === "visitor" ? t("you") : who}: </span>
        {message.deleted ? <p class="muted">{t("deleted")}</p> : <Words text={message.text} cites={cites} onCite={(n) => setShown(shown === n ? null : n)} />}
        {message.attachments.map((file) => (
          <a class="file" key={file.id} href={file.url || undefined} target="_blank" rel="noopener" download={file.name}>
            {file.url && file.mime.startsWith("image/") ? <img src={file.url} alt={file.name} loading="lazy" /> : <span class="file-name">{file.name}</span>}
            <span class="muted">{fileSize(language, file.size)}</span>
          </a>
        ))}
        {message.citations.length > 0 && (
          <div class="sources">
            <p class="sources-title">{t("sources")}</p>
            <ol>
              {message.citations.map((c) => (
                <li key={c.n}>
                  <button type="button" class="source" aria-expanded={shown === c.n} onClick={() => setShown(shown === c.n ? null : c.n)}>
                    <span class="num">{c.n}</span>{c.title}{c.page ? `, ${t("page")} ${c.page}` : ""}
                  </button>
                </li>
              ))}
            </ol>
            {source && <Card source={source} language={language} />}
          </div>
        )}
      </div>
      {message.buttons.length > 0 && last && (
        <div class="replies">{message.buttons.map((b) => <button type="button" key={b.value} onClick={() => onButton(b.text)}>{b.text}</button>)}</div>
      )}
      {message.author === "visitor" && <State message={message} language={language} last={last} onRetry={onRetry} />}
    </li>
  );
}

function State({ message, language, last, onRetry }: { message: Message; language: Language; last: boolean; onRetry(): void }) {
  const t = (key: Parameters<typeof say>[1]): string => say(language, key);
  if (message.state === "failed") {
    return <p class="state bad">{t("failed")} <button type="button" class="link" onClick={onRetry}>{t("retry")}</button></p>;
  }
  if (!last && message.state !== "sending") return null;
  const names = { sending: t("sending"), read: t("read"), delivered: t("delivered") } as Record<string, string>;
  return <p class="state">{message.edited ? `${t("edited")} · ` : ""}{names[message.state] ?? t("sent")}</p>;
}

function Card({ source, language }: { source: Citation; language: Language }) {
  return (
    <div class="card" role="group" aria-label={`${say(language, "source")} ${source.n}`}>
      <p class="card-title">{source.title}</p>
      {source.section && <p class="muted">{source.section}</p>}
      {source.quote && <blockquote>{source.quote}</blockquote>}
      {source.url && <a href={source.url} target="_blank" rel="noopener noreferrer">{say(language, "open")}</a>}
    </div>
  );
}

export function Words({ text, cites, onCite }: { text: string; cites?: ReadonlySet<number>; onCite?: (n: number) => void }) {
  return <>{parse(text, cites).map((block, index) => <BlockView key={index} block={block} onCite={onCite} />)}</>;
}

function BlockView({ block, onCite }: { block: Block; onCite: ((n: number) => void) | undefined }) {
  if (block.kind === "p") return <p class="text">{block.children.map((node, i) => <Node key={i} node={node} onCite={onCite} />)}</p>;
  const items = block.items.map((item, i) => <li key={i}>{item.map((node, j) => <Node key={j} node={node} onCite={onCite} />)}</li>);
  return block.kind === "ul" ? <ul>{items}</ul> : <ol>{items}</ol>;
}

function Node({ node, onCite }: { node: Inline; onCite: ((n: number) => void) | undefined }) {
  switch (node.kind) {
    case "text": return <>{node.text}</>;
    case "code": return <code>{node.text}</code>;
    case "link": return <a href={node.href} target="_blank" rel="noopener noreferrer nofollow">{node.text}</a>;
    case "strong": return <strong>{node.children.map((child, i) => <Node key={i} node={child} onCite={onCite} />)}</strong>;
    case "em": return <em>{node.children.map((child, i) => <Node key={i} node={child} onCite={onCite} />)}</em>;
    case "cite": return <sup><button type="button" class="cite" onClick={() => onCite?.(node.n)}>{node.n}</button></sup>;
  }
}
