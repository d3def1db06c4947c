let loading;

export function load({ origin, channel, language, theme }) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.async = true;
    script.src = new URL("/static/widget/loader.js", origin).href;
    Object.assign(script.dataset, { channel, ...(language && { language }), ...(theme && { theme }) });
    script.onload = () => resolve(window.OmniSupport);
    script.onerror = () => {
      loading = undefined; // a later call may try again
      script.remove();
      reject(new Error(`The chat could not be loaded from ${origin}.`));
    };
    document.head.append(script);
  });
  return loading;
}
