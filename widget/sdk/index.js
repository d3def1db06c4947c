let loading;

export function load({ origin, channel, language, theme }) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.async = true;
    script.src = `${origin}/static/widget/loader.js`;
    script.dataset.channel = channel;
    if (language) script.dataset.language = language;
    if (theme) script.dataset.theme = theme;
    script.onload = () => resolve(window.OmniSupport);
    script.onerror = () => reject(new Error("The chat could not be loaded."));
    document.head.append(script);
  });
  return loading;
}
