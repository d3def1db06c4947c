export type Language = "ru" | "en";

export const languageOf = (code: string): Language => (code.slice(0, 2).toLowerCase() === "ru" ? "ru" : "en");

/** Picks the right form of a noun: `forms` has "one", "few", "many", "other" as the language needs. */
export function plural(language: Language, count: number, forms: Partial<Record<Intl.LDMLPluralRule, string>>): string {
  return `${count} ${forms[new Intl.PluralRules(language).select(count)] ?? forms.other ?? ""}`;
}
