/** Every sentence of the chat, in both languages; plurals by Intl. */
export type Language = "ru" | "en";

const TEXTS = {
  en: {
    title: "Chat", close: "Close", message: "Your message", placeholder: "Write a message…", send: "Send", attach: "Attach a file",
    person: "Talk to a person", personAsked: "A person has been called", today: "Today", yesterday: "Yesterday", you: "You",
    assistant: "Assistant", typing: "is typing…", sources: "Sources", source: "Source", page: "page", open: "Open", sending: "Sending",
    sent: "Sent", delivered: "Delivered", read: "Read", failed: "Not sent", retry: "Try again", edited: "edited", deleted: "Message deleted",
    offline: "No connection. What you write is kept and will be sent.", tooLarge: "The file is larger than 20 MB.", uploading: "Uploading",
    uploadFailed: "The file could not be uploaded.", remove: "Remove", more: "Menu", soundOn: "Turn sound on", soundOff: "Turn sound off",
    log: "Messages", newMessage: "New message", error: "Something went wrong. Try again.", start: "Ask a question", again: "Load again",
    greeting: "Hello! How can we help?", drop: "Drop the file here", thinking: "is looking for an answer…",
  },
  ru: {
    title: "Чат", close: "Закрыть", message: "Ваше сообщение", placeholder: "Напишите сообщение…", send: "Отправить", attach: "Прикрепить файл",
    person: "Позвать человека", personAsked: "Человек приглашён", today: "Сегодня", yesterday: "Вчера", you: "Вы",
    assistant: "Ассистент", typing: "печатает…", sources: "Источники", source: "Источник", page: "стр.", open: "Открыть", sending: "Отправляется",
    sent: "Отправлено", delivered: "Доставлено", read: "Прочитано", failed: "Не отправлено", retry: "Повторить", edited: "изменено", deleted: "Сообщение удалено",
    offline: "Нет связи. Написанное сохранено и будет отправлено.", tooLarge: "Файл больше 20 МБ.", uploading: "Загружается",
    uploadFailed: "Файл не удалось загрузить.", remove: "Убрать", more: "Меню", soundOn: "Включить звук", soundOff: "Выключить звук",
    log: "Сообщения", newMessage: "Новое сообщение", error: "Что-то пошло не так. Попробуйте ещё раз.", start: "Задайте вопрос", again: "Загрузить снова",
    greeting: "Здравствуйте! Чем помочь?", drop: "Отпустите файл здесь", thinking: "ищет ответ…",
  },
} as const;

export type Key = keyof (typeof TEXTS)["en"];

export const languageOf = (code: string): Language => (code.slice(0, 2) === "ru" ? "ru" : "en");
export const say = (language: Language, key: Key): string => TEXTS[language][key];
export const KEYS = Object.keys(TEXTS.en) as Key[];

const FORMS: Record<Language, Partial<Record<Intl.LDMLPluralRule, string>>> = {
  en: { one: "attachment", other: "attachments" },
  ru: { one: "вложение", few: "вложения", many: "вложений", other: "вложения" },
};

export function attachments(language: Language, count: number): string {
  const rule = new Intl.PluralRules(language).select(count);
  return `${count} ${FORMS[language][rule] ?? FORMS[language].other}`;
}

export function fileSize(language: Language, bytes: number): string {
  const [value, unit] = bytes >= 1e6 ? [bytes / 1e6, "megabyte" as const] : [bytes / 1e3, "kilobyte" as const];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

export function dayName(language: Language, at: Date, now: Date): string {
  const days = Math.round((new Date(now.toDateString()).getTime() - new Date(at.toDateString()).getTime()) / 864e5);
  if (days === 0) return say(language, "today");
  if (days === 1) return say(language, "yesterday");
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "long" }).format(at);
}
