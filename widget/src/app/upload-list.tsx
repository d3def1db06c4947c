import file from "icon:file";
import again from "icon:rotate-cw";
import cross from "icon:x";
import { Icon } from "./icons";
import type { Shell } from "./shell";
import { fileSize } from "./texts";
import type { Uploading, useUploads } from "./uploads";

export function UploadList({ uploads, shell }: { uploads: ReturnType<typeof useUploads>; shell: Shell }) {
  if (!uploads.all.length) return null;
  return (
    <ul class="uploads">
      {uploads.all.map((one) => (
        <li key={one.key} class={one.error ? "bad" : ""}>
          <Icon of={file} />
          <span class="name">{one.file.name}</span>
          <Progress one={one} shell={shell} />
          {one.again && (
            <button type="button" class="icon" aria-label={`${shell.t("retry")}: ${one.file.name}`} onClick={() => uploads.retry(one)}><Icon of={again} /></button>
          )}
          <button type="button" class="icon" aria-label={`${shell.t("remove")}: ${one.file.name}`} onClick={() => uploads.remove(one)}><Icon of={cross} /></button>
        </li>
      ))}
    </ul>
  );
}

function Progress({ one, shell }: { one: Uploading; shell: Shell }) {
  if (one.error) return <span class="small-text" role="alert">{one.error}</span>;
  if (one.done) return <span class="muted">{fileSize(shell.language, one.file.size)}</span>;
  return <progress value={one.share} max={1} aria-label={`${shell.t("uploading")}: ${one.file.name}`} />;
}
