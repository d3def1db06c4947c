// A refusal that names a field of the panel leads to it.

/** `name` as the server says it: `ticket-order_id`. Elsewhere than in the panel nothing happens. */
export function focusField(name: string): void {
  const field = document.getElementById(`field-${name}`);
  if (!field) return;
  // The panel may be folded away.
  if (!field.offsetParent) document.getElementById("details-toggle")?.click();
  field.focus();
  field.scrollIntoView({ block: "nearest" });
}

/** A choice that was refused shows again what is so; what was typed stays. */
export function undoChoice(form: Element): void {
  for (const select of form.querySelectorAll<HTMLSelectElement>("select.fact__value")) {
    const stored = [...select.options].find((option) => option.defaultSelected);
    select.value = (stored ?? select.options[0])!.value;
  }
}
