declare module "*.css";

/** The minified text of a style sheet. */
declare module "*.css?inline" {
  const css: string;
  export default css;
}

/** See build.mjs: the shapes of one Lucide icon. */
declare module "icon:*" {
  const shapes: [tag: string, attributes: Record<string, string>][];
  export default shapes;
}

interface ImportMeta {
  /** Replaced by the build; both are optional absolute bases. */
  readonly env: { readonly VITE_API_URL?: string; readonly VITE_WIDGET_URL?: string };
}
