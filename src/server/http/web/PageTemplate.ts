import { createHash } from "node:crypto"
import type { RenderedPage } from "./PageRenderer.ts"
import type { Manifest, WebFiles } from "./WebFiles.ts"

/** The comment in `index.html` that the data replaces. */
const DATA = "<!-- rates -->"
const ROOT = '<div id="app"></div>'
const TITLE = /<title>[^<]*<\/title>/
const STYLE_SHEETS = /\s*<link rel="stylesheet"[^>]*>/g

/** Entries of the app, which has the board, and of the other public pages in the manifest of the build. */
const APP = "index.html"
const PRICES = "src/pages/PricesPage.vue"
const PAIR = "src/pages/PairPage.vue"

/** Parts of the document that every page shares. */
export interface PageTemplate {
  /** Changes with the build. */
  readonly hash: string
  /** Source of the content security policy that allows the styles of rendered pages. */
  readonly styleSource: string
  /** Returns a page without content, which its scripts draw. */
  readonly shell: (json: string) => string
  /** Returns a page with its content and its styles, so that its first paint needs no further file. */
  readonly document: (page: RenderedPage, json: string) => string
}

const escapeHtml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

const dataOf = (json: string) => `<script type="application/json" id="rates">${json}</script>`

/** Replaces text without the patterns of `String.replace`, which the replacement may contain. */
const replace = (text: string, pattern: string | RegExp, by: string) => text.replace(pattern, () => by)

/** Returns the entries of the manifest that an entry imports and itself, without those that are known. */
const entriesOf = (manifest: Manifest, name: string, known: Set<string>): ReadonlyArray<string> => {
  if (known.has(name)) return []
  known.add(name)
  const imports = manifest[name]?.imports ?? []
  return [...imports.flatMap((each) => entriesOf(manifest, each, known)), name]
}

/** Templates of the pages that are rendered. */
export interface PageTemplates {
  readonly board: PageTemplate
  readonly prices: PageTemplate
  readonly pair: PageTemplate
}

/** Makes the templates. Prices and pairs have scripts and styles of their own. */
export const make = ({ files, index, manifest }: WebFiles): PageTemplates => {
  const app = entriesOf(manifest, APP, new Set())
  const cssOf = (names: ReadonlyArray<string>) => [
    ...new Set(names.flatMap((name) => manifest[name]?.css ?? []))
  ]
  const textOf = (path: string) =>
    Buffer.from(files.get(`/${path}`)?.bodies.identity ?? [])
      .toString("utf8")
      .trim()

  /** Makes the template of a page with the entries that the app does not load. */
  const template = (own: ReadonlyArray<string>): PageTemplate => {
    const preloads = own
      .flatMap((name) => manifest[name]?.file ?? [])
      .map((path) => `<link rel="modulepreload" crossorigin href="/${path}">`)
      .join("")
    const css = cssOf([...app, ...own])
    const style = css.map(textOf).join("\n")
    // A disabled style sheet is not requested. The scripts of a page find it, and so do not load what is in the page.
    const links = css.map((path) => `<link rel="stylesheet" href="/${path}" disabled>`).join("")
    const rendered = replace(
      index.replace(STYLE_SHEETS, ""),
      "</head>",
      `<style>${style}</style>${links}${preloads}</head>`
    )
    return {
      hash: createHash("sha256").update(rendered).digest("base64url").slice(0, 8),
      styleSource: `'sha256-${createHash("sha256").update(style).digest("base64")}'`,
      shell: (json) => replace(index, DATA, dataOf(json)),
      document: ({ html, title }, json) => {
        const titled = replace(rendered, TITLE, `<title>${escapeHtml(title)}</title>`)
        return replace(replace(titled, ROOT, `<div id="app">${html}</div>`), DATA, dataOf(json))
      }
    }
  }
  const templateOf = (name: string) => template(entriesOf(manifest, name, new Set(app)))
  return { board: template([]), prices: templateOf(PRICES), pair: templateOf(PAIR) }
}
