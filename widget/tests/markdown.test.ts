import { describe, expect, test } from "vitest";
import { inline, parse, plain, safeHref, type Inline } from "../src/app/markdown";

const NONE: ReadonlySet<number> = new Set();
const links = (text: string): string[] => inline(text, NONE).flatMap((node) => (node.kind === "link" ? [node.href] : []));
const words = (nodes: Inline[]): string => nodes.map((node) => ("text" in node ? node.text : "children" in node ? words(node.children) : "")).join("");

describe("what the assistant writes", () => {
  test("becomes headings, paragraphs, lists and code", () => {
    const blocks = parse("## Оплата\nПервый **важный** абзац\n\n3. три\n4. четыре\n- пункт\n\n```\nкод **как есть**\n```");
    expect(blocks.map((block) => block.kind)).toEqual(["h", "p", "ol", "ul", "pre"]);
    expect(blocks[2]).toMatchObject({ start: 3, items: [[{ text: "три" }], [{ text: "четыре" }]] });
    expect(blocks[4]).toEqual({ kind: "pre", text: "код **как есть**" });
  });

  test("is shown while a fence is still open", () => {
    expect(parse("```\nполови").at(-1)).toEqual({ kind: "pre", text: "полови" });
  });

  test("keeps single line breaks in a paragraph", () => {
    expect(parse("строка\nещё")).toEqual([{ kind: "p", children: [{ kind: "text", text: "строка\nещё" }] }]);
  });

  test.each(["snake_case_name", "2 * 3 * 4", "5*6*7", "a_b_c", "**", "* ", "_", "`", "[1", "]("])("leaves %s alone", (text) => {
    expect(words(inline(text, NONE))).toBe(text);
    expect(inline(text, NONE).every((node) => node.kind === "text")).toBe(true);
  });

  test("nests emphasis", () => {
    expect(inline("**да _и_ нет**", NONE)).toEqual([
      { kind: "strong", children: [{ kind: "text", text: "да " }, { kind: "em", children: [{ kind: "text", text: "и" }] }, { kind: "text", text: " нет" }] },
    ]);
  });
});

describe("links", () => {
  test.each([
    "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](data:text/html,<script>)", "[x](//evil.test)", "![x](https://sink.test/?d=1)",
    "<a href=javascript:x>x</a>", "[x](vbscript:x)", "[x](\tjavascript:x)", "[x](&#106;avascript:x)", "[x](\u0001javascript:x)", "<img src=x onerror=alert(1)>",
    "[a](blob:https://x/1)", "[a](file:///etc/passwd)", "![x](//sink.test)", "![](https://sink.test/?d=1)",
  ])("makes none of %s", (text) => {
    expect(links(text)).toEqual([]);
  });

  test("are made of web and mail addresses", () => {
    expect(links("[сайт](https://shop.example/a) [почта](mailto:a@b.example) http://x.example")).toEqual([
      "https://shop.example/a", "mailto:a@b.example", "http://x.example",
    ]);
  });

  test("do not swallow the end of a sentence", () => {
    const nodes = inline("Смотрите https://shop.example/a?b=1. И ещё (https://x.example)!", NONE);
    expect(nodes.flatMap((node) => (node.kind === "link" ? [node.href] : []))).toEqual(["https://shop.example/a?b=1", "https://x.example"]);
    expect(words(nodes)).toBe("Смотрите https://shop.example/a?b=1. И ещё (https://x.example)!");
  });

  test("of a source are checked too", () => {
    expect(safeHref("javascript:alert(1)")).toBe(undefined);
    expect(safeHref(null)).toBe(undefined);
    expect(safeHref("https://shop.example/")).toBe("https://shop.example/");
  });
});

describe("citations", () => {
  test("are shown only when their source is there, close to their word", () => {
    expect(inline("Да [1], нет [2].", new Set([1]))).toEqual([
      { kind: "text", text: "Да" }, { kind: "cite", n: 1 }, { kind: "text", text: ", нет" }, { kind: "text", text: "." },
    ]);
  });

  test("are plain text where nothing is cited", () => {
    expect(words(inline("массив [1]", NONE))).toBe("массив [1]");
  });
});

test("a screen reader is told the words alone", () => {
  expect(plain("## Итог\n**Да** [1], см. [сайт](https://a.b)")).toBe("Итог\nДа, см. сайт");
});

test("no text makes it slow", () => {
  // Would not end within the runner's limit if any pattern backtracked.
  const hostile = ["[".repeat(20_000), "*_`".repeat(8000), "[a](".repeat(5000), "**a".repeat(8000), "!".repeat(20_000), "http://".repeat(4000), "_a".repeat(9000)];
  for (const text of hostile) expect(parse(text).length).toBeGreaterThan(0);
});
