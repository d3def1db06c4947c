/** Every sentence of the chat, in both languages; plurals, dates and sizes by Intl. */
import { plural, type Language } from "../language";

const TEXTS = {
  en: {
    title: "Chat", about: "Support chat", close: "Close", message: "Your message", placeholder: "Write a message…", send: "Send",
    attach: "Attach a file", person: "Talk to a person", personAsking: "Calling a person…", personAsked: "A person has been called",
    withPerson: "You are talking to a person", answers: "answers you", today: "Today", yesterday: "Yesterday", you: "You",
    agent: "Support", assistant: "Assistant", typing: "is typing…", thinking: "is looking for an answer…", sources: "Sources",
    source: "Source", page: "page", openSource: "Open the source", sending: "Sending…", sent: "Sent", delivered: "Delivered", read: "Read",
    failed: "Not sent", retry: "Try again", edited: "edited", deleted: "Message deleted",
    offline: "No connection. What you write is kept and will be sent.", online: "Connected again.", tooLarge: "Larger than 20 MB",
    tooMany: "Ten files at a time.", uploading: "Uploading", uploadFailed: "Not uploaded", remove: "Remove", soundOn: "Sound on answers",
    log: "Messages", newMessage: "New message", newMessages: "New messages", error: "Something went wrong. Try again.",
    greeting: "Hello! How can we help?", drop: "Drop files to attach them", loading: "Loading the conversation…", preparing: "being prepared",
    answering: "The answer is coming…", dismiss: "Hide", elsewhere: "Continue in",
  },
  ru: {
    title: "Чат", about: "Чат с поддержкой", close: "Закрыть", message: "Ваше сообщение", placeholder: "Напишите сообщение…", send: "Отправить",
    attach: "Прикрепить файл", person: "Позвать человека", personAsking: "Зовём человека…", personAsked: "Человек приглашён",
    withPerson: "Вам отвечает человек", answers: "отвечает вам", today: "Сегодня", yesterday: "Вчера", you: "Вы",
    agent: "Поддержка", assistant: "Ассистент", typing: "печатает…", thinking: "ищет ответ…", sources: "Источники",
    source: "Источник", page: "стр.", openSource: "Открыть источник", sending: "Отправляется…", sent: "Отправлено", delivered: "Доставлено",
    read: "Прочитано", failed: "Не отправлено", retry: "Повторить", edited: "изменено", deleted: "Сообщение удалено",
    offline: "Нет связи. Написанное сохранено и будет отправлено.", online: "Связь восстановлена.", tooLarge: "Больше 20 МБ",
    tooMany: "За один раз — не больше десяти файлов.", uploading: "Загружается", uploadFailed: "Не загружен", remove: "Убрать",
    soundOn: "Звук при ответе", log: "Сообщения", newMessage: "Новое сообщение", newMessages: "Новые сообщения",
    error: "Что-то пошло не так. Попробуйте ещё раз.", greeting: "Здравствуйте! Чем помочь?", drop: "Отпустите файлы, чтобы прикрепить",
    loading: "Загружаем разговор…", preparing: "готовится", answering: "Ответ на подходе…", dismiss: "Скрыть", elsewhere: "Продолжить в",
  },
} as const;

export type Key = keyof (typeof TEXTS)["en"];

export const say = (language: Language, key: Key): string => TEXTS[language][key];
export const KEYS = Object.keys(TEXTS.en) as Key[];

const LEFT = {
  en: { one: "character left", other: "characters left" },
  ru: { one: "знак остался", few: "знака осталось", many: "знаков осталось", other: "знака осталось" },
} as const;
const FILES = {
  en: { one: "file", other: "files" },
  ru: { one: "файл", few: "файла", many: "файлов", other: "файла" },
} as const;

export const charactersLeft = (language: Language, count: number): string => plural(language, count, LEFT[language]);
export const files = (language: Language, count: number): string => plural(language, count, FILES[language]);

export function fileSize(language: Language, bytes: number): string {
  const [value, unit] = bytes >= 1e6 ? [bytes / 1e6, "megabyte"] : [Math.max(bytes / 1e3, 0.1), "kilobyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

export const clock = (language: Language, at: Date): string => new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(at);

export const fullDate = (language: Language, at: Date): string =>
  new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "long" }).format(at);

export function dayName(language: Language, at: Date, now: Date): string {
  const days = Math.round((new Date(now.toDateString()).getTime() - new Date(at.toDateString()).getTime()) / 864e5);
  if (days === 0) return say(language, "today");
  if (days === 1) return say(language, "yesterday");
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "long", ...year }).format(at);
}
