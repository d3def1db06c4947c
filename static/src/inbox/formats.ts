// The marks of omnisupport/lib/markup.py around what is chosen; only those that the message's channel can carry are offered.

const PAIRS: Record<string, string> = { bold: "**", italic: "_", strike: "~~", code: "`" };
// Notes are drawn by ourselves.
export const OF_NOTES = "bold italic strike code link";

const buttons = (): NodeListOf<HTMLButtonElement> => document.querySelectorAll<HTMLButtonElement>("#composer [data-format]");

/** `known`: their names with spaces between. */
export function offerFormats(known: string): void {
  const names = known.split(" ");
  for (const button of buttons()) button.hidden = !names.includes(button.dataset.format!);
}

export function setUpFormats(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("#composer [data-format]");
    if (button) mark(button.dataset.format!);
  });
}

const field = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>("#text")!;

function mark(name: string): void {
  const { selectionStart: start, selectionEnd: end, value } = field();
  const chosen = value.slice(start, end);
  const before = chosen.length - chosen.trimStart().length;
  const words = chosen.trim();
  const [open, close] = around(name, words);
  const text = name === "list" ? listed(chosen) : chosen.slice(0, before) + open + words + close + (words ? chosen.slice(before + words.length) : "");
  replace(text, start, end);
  if (name === "list") return;
  // Empty: the caret goes between the marks. Of a link, its address is what comes next.
  const from = start + before + open.length;
  if (name === "link") field().setSelectionRange(from + words.length + 2, from + words.length + close.length - 1);
  else field().setSelectionRange(from, from + words.length);
}

function around(name: string, words: string): [string, string] {
  if (name === "link") return ["[", "](https://)"];
  if (name === "code" && words.includes("\n")) return ["```\n", "\n```"];
  return [PAIRS[name] ?? "", PAIRS[name] ?? ""];
}

const listed = (text: string): string => text.split("\n").map((line) => (line.trim() ? `- ${line}` : line)).join("\n") || "- ";

/** As if it were typed, so that it can be undone. */
function replace(text: string, start: number, end: number): void {
  field().focus();
  field().setSelectionRange(start, end);
  if (document.execCommand("insertText", false, text)) return;
  field().setRangeText(text, start, end, "end");
  field().dispatchEvent(new Event("input", { bubbles: true }));
}
