// The few that people write to customers and to each other; each with the names it is found by.
const LIST = `👍 да хорошо класс ok thumbs up yes|👎 нет плохо no thumbs down|🙏 спасибо прошу thanks please pray|🙂 улыбка smile|😀 радость happy grin
😂 смех lol laugh|😉 подмигивание wink|😊 рад blush|😍 любовь love eyes|🤔 думаю think hmm|😅 неловко sweat|😕 растерян confused
😢 грусть слезы sad cry|😮 удивление wow|😡 злость angry|😎 круто cool|🤗 обнимаю hug|🙌 ура hooray|👏 браво аплодисменты clap|🤝 договорились handshake deal
👋 привет пока hello wave bye|✌️ мир peace|🤞 удачи fingers crossed luck|💪 сила strong|👀 смотрю look eyes|❤️ сердце heart love|💔 разбито broken|🔥 огонь fire
⭐ звезда star|✨ блеск sparkles|🎉 праздник поздравляю party congratulations|🎁 подарок gift present|🎂 торт день рождения birthday cake|✅ готово галочка done check|❌ нет крестик no cross|⚠️ внимание warning
❗ важно important|❓ вопрос question|ℹ️ справка info|⏳ ждём подождите wait hourglass|⏰ время будильник time alarm|📅 дата календарь calendar date|📦 посылка заказ коробка package order box|🚚 доставка delivery truck
🏠 дом home|📍 место адрес place pin|📞 телефон звонок phone call|✉️ письмо почта mail letter|📎 файл вложение attachment clip|📄 документ document page|🧾 чек счёт receipt bill|💳 карта оплата card payment
💰 деньги возврат money refund|🛒 корзина покупка cart shop|🔗 ссылка link|🔒 замок пароль lock password|🔑 ключ key|🛠 ремонт исправляем tools fix|🐛 ошибка баг bug|💡 идея idea
🚀 запуск быстро rocket launch|☕ кофе coffee|☀️ солнце утро sun morning|🌙 ночь night moon`;

export interface Emoji { sign: string; names: string }

export const EMOJI: readonly Emoji[] = LIST.split(/[|\n]/).map((line) => {
  const gap = line.indexOf(" ");
  return { sign: line.slice(0, gap), names: line.slice(gap + 1) };
});
