import { describe, expect, test } from "vitest";
import { inline, parse, plain } from "../src/app/markdown";

const links = (text: string) => inline(text, new Set()).filter((node) => node.kind === "link");

describe("markdown", () => {
  test("knows paragraphs, lists and emphasis", () => {
    const blocks = parse("Первый **важный** абзац\n\n1. раз\n2. два\n- пункт");
    expect(blocks.map((b) => b.kind)).toEqual(["p", "ol", "ul"]);
  });

  test.each([
    "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](data:text/html,<script>)", "[x](//evil.test)", "![x](https://sink.test/?d=1)",
    "<a href=javascript:x>x</a>", "[x](vbscript:x)", "[x](\tjavascript:x)",
  ])("makes no link of %s", (text) => {
    expect(links(text).filter((node) => node.kind === "link" && !/^https?:\/\/(?!sink)/.test(node.href))).toEqual([]);
  });

  test("keeps the end of a sentence out of an address", () => {
    expect(links("Смотрите https://shop.example/a?b=1. И ещё")).toEqual([
      { kind: "link", href: "https://shop.example/a?b=1", text: "https://shop.example/a?b=1" },
    ]);
  });

  test("shows a citation only when its source is there", () => {
    const cites = new Set([1]);
    expect(inline("Да [1], нет [2].", cites).filter((n) => n.kind === "cite")).toEqual([{ kind: "cite", n: 1 }]);
    expect(inline("Да [1], нет [2].", cites).some((n) => n.kind === "text" && n.text.includes("[2]"))).toBe(false);
  });

  test("leaves underscores inside words alone", () => {
    expect(inline("snake_case_name", new Set())).toEqual([{ kind: "text", text: "snake_case_name" }]);
  });

  test("says words only to a screen reader", () => {
    expect(plain("**Да** [1], см. [сайт](https://a.b)")).toBe("Да, см. сайт");
  });

  test("does not choke on a long line", () => {
    const started = performance.now();
    parse("[".repeat(20000) + "*_`".repeat(5000));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
