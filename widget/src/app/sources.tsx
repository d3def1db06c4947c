/** What the answer rests on: numbered titles; each opens into a card with the very words. */
import external from "icon:external-link";
import { useEffect, useRef } from "preact/hooks";
import type { Citation } from "../protocol";
import { Icon } from "./icons";
import { safeHref } from "./markdown";
import type { Key } from "./texts";

interface Props { id: string; citations: Citation[]; shown: number | null; t(key: Key): string; show(n: number): void }

export function Sources({ id, citations, shown, t, show }: Props) {
  return (
    <div class="sources">
      <p class="caption" id={`${id}-sources`}>{t("sources")}</p>
      <ol aria-labelledby={`${id}-sources`}>
        {citations.map((source) => (
          <li key={source.n}>
            <button type="button" class="source" aria-expanded={shown === source.n} aria-controls={`${id}-source-${source.n}`} onClick={() => show(source.n)}>
              <span class="number">{source.n}</span>
              <span>{source.title}{source.page ? <span class="muted">, {t("page")}{"\u00a0"}{source.page}</span> : null}</span>
            </button>
            <div id={`${id}-source-${source.n}`}>{shown === source.n && <Card source={source} t={t} />}</div>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Card({ source, t }: { source: Citation; t(key: Key): string }) {
  const card = useRef<HTMLDivElement>(null);
  const href = safeHref(source.url);
  useEffect(() => card.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div class="card" ref={card}>
      {source.section && <p class="caption">{source.section}</p>}
      {source.quote && <blockquote>{source.quote}</blockquote>}
      {href && <a href={href} target="_blank" rel="noopener noreferrer"><Icon of={external} small />{t("openSource")}</a>}
    </div>
  );
}
