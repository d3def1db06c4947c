// Finding by a few letters: words from their beginning, parts, letters in order; also what was typed in the other layout.
const LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";
const CYRILLIC = "йцукенгшщзхъфывапролджэячсмитьбюё";

function inOtherLayout(text: string): string {
  return [...text].map((letter) => {
    const at = LATIN.indexOf(letter);
    return at >= 0 ? CYRILLIC[at] : (LATIN[CYRILLIC.indexOf(letter)] ?? letter);
  }).join("");
}

const plain = (text: string): string => text.toLowerCase().replaceAll("ё", "е");

/** 0: not found; the greater, the better. */
export function score(query: string, text: string): number {
  const typed = query.trim().toLowerCase();
  if (!typed) return 1;
  return Math.max(match(plain(typed), plain(text)), match(plain(inOtherLayout(typed)), plain(text)) * 0.9);
}

function match(query: string, text: string): number {
  let worst = Infinity;
  for (const word of query.split(/\s+/)) worst = Math.min(worst, matchWord(word, text));
  return worst;
}

function matchWord(word: string, text: string): number {
  const at = text.indexOf(word);
  if (at === 0) return 4;
  if (at > 0) return /[\p{L}\p{N}]/u.test(text[at - 1]!) && !text.includes(` ${word}`) ? 2 : 3;
  // Letters in order: of three at least, else everything is found.
  let from = 0;
  for (const letter of word) {
    from = text.indexOf(letter, from) + 1;
    if (!from) return 0;
  }
  return word.length > 2 ? 1 : 0;
}

/** The best first; what is equally good keeps its order. */
export function found<T>(query: string, all: readonly T[], textOf: (one: T) => string): T[] {
  return all
    .map((one, at) => ({ one, at, points: score(query, textOf(one)) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points || a.at - b.at)
    .map(({ one }) => one);
}
