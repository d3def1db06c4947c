import file from "icon:file";
import { useState } from "preact/hooks";
import type { Attachment } from "../protocol";
import { Icon } from "./icons";
import type { Shell } from "./shell";
import { fileSize } from "./texts";

/** Links come from our own server only, and are empty while it still prepares the file. */
export function File({ file: { name, mime, size, url }, shell }: { file: Attachment; shell: Shell }) {
  // Links are signed anew now and then; a picture that has been seen is not asked for again.
  const [picture, setPicture] = useState(url);
  const [broken, setBroken] = useState(false);
  const shown = picture || url;
  if (shown && !broken && mime.startsWith("image/")) {
    return (
      <a class="picture" href={url} target="_blank" rel="noopener">
        <img src={shown} alt={name} loading="lazy" onLoad={() => setPicture(shown)} onError={() => (shown === url ? setBroken(true) : setPicture(url))} />
      </a>
    );
  }
  const words = (
    <>
      <Icon of={file} />
      <span class="name">{name}</span>
      <span class="muted">{fileSize(shell.language, size)}{url ? "" : `, ${shell.t("preparing")}`}</span>
    </>
  );
  return url ? <a class="file" href={url} target="_blank" rel="noopener" download={name}>{words}</a> : <span class="file">{words}</span>;
}
