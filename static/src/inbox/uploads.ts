// Files of the composer: picked, pasted or dropped; uploaded at once with progress; only their ids go with the message.
import type { File as Stored } from "./outbox";
import { clonePart, inPart, word } from "./parts";
import { csrfToken, sentence } from "./server";

const MOST = 10;

const list = (): HTMLElement => document.getElementById("uploads")!;

export const uploading = (): boolean => Boolean(list().querySelector(".upload:not(.upload--done, .upload--bad)"));

export function uploaded(): Stored[] {
  return [...list().querySelectorAll<HTMLElement>(".upload--done")].map((row) => ({
    id: row.dataset.id!, name: inPart(row, "name").textContent ?? "", size: Number(row.dataset.size),
  }));
}

export function clearUploads(): void {
  list().replaceChildren();
}

export function showUploaded(files: Stored[]): void {
  for (const file of files) finish(addRow(file.name, file.size), file);
}

export function upload(files: Iterable<File>, changed: () => void): void {
  for (const file of [...files].slice(0, MOST - list().children.length)) {
    const row = addRow(file.name || "image.png", file.size);
    if (file.size > Number(word("maxBytes"))) fail(row, word("tooLarge"));
    else send(file, row, changed);
    inPart(row, "remove").addEventListener("click", changed);
  }
  changed();
}

function addRow(name: string, size: number): HTMLElement {
  const row = clonePart("upload");
  inPart(row, "name").textContent = name;
  inPart(row, "size").textContent = readableSize(size);
  row.dataset.size = String(size);
  inPart(row, "remove").addEventListener("click", () => {
    row.dispatchEvent(new Event("upload:cancel"));
    row.remove();
  });
  list().append(row);
  return row;
}

function send(file: File, row: HTMLElement, changed: () => void): void {
  // fetch() tells nothing of an upload's progress.
  const request = new XMLHttpRequest();
  const form = new FormData();
  form.set("file", file, file.name || "image.png");
  request.open("POST", "/inbox/uploads/");
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.setRequestHeader("HX-Request", "true");
  request.upload.onprogress = (event) => { row.querySelector("progress")!.value = (100 * event.loaded) / event.total; };
  request.onload = () => {
    if (request.status === 200) finish(row, JSON.parse(request.responseText) as Stored);
    else fail(row, sentence(request.responseText) || word("failed"));
    changed();
  };
  request.onerror = () => { fail(row, word("offline")); changed(); };
  row.addEventListener("upload:cancel", () => request.abort());
  request.send(form);
}

function finish(row: HTMLElement, file: Stored): void {
  row.dataset.id = file.id;
  inPart(row, "name").textContent = file.name;
  row.classList.add("upload--done");
}

function fail(row: HTMLElement, reason: string): void {
  row.classList.add("upload--bad");
  row.setAttribute("role", "alert");
  inPart(row, "size").textContent = reason;
}

function readableSize(bytes: number): string {
  const [value, unit] =
    bytes < 1000 ? [bytes, "byte"] : bytes < 1_000_000 ? [bytes / 1000, "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  return new Intl.NumberFormat(document.documentElement.lang, {
    style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);
}
