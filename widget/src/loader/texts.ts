import { plural, type Language } from "../language";

const TEXTS = {
  en: { open: "Open chat", close: "Close chat", frame: "Support chat", unread: { one: "new message", other: "new messages" } },
  ru: {
    open: "Открыть чат", close: "Закрыть чат", frame: "Чат с поддержкой",
    unread: { one: "новое сообщение", few: "новых сообщения", many: "новых сообщений" },
  },
} as const;

export const frameTitle = (language: Language): string => TEXTS[language].frame;

export function launcherName(language: Language, open: boolean, unread: number): string {
  const texts = TEXTS[language];
  if (open) return texts.close;
  return unread ? `${texts.open}, ${plural(language, unread, texts.unread)}` : texts.open;
}
