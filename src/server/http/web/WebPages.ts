import { Effect, Option } from "effect"
import { promisify } from "node:util"
import * as Zlib from "node:zlib"
import * as InlinedRates from "./InlinedRates.ts"
import type * as PageRenderer from "./PageRenderer.ts"
import * as PageTemplate from "./PageTemplate.ts"
import type { WebFiles } from "./WebFiles.ts"

/** In order of preference. */
export const ENCODINGS = ["br", "gzip", "identity"] as const
export type Encoding = (typeof ENCODINGS)[number]

/** A page is compressed while its first reader waits. */
const PAGE_QUALITY = { [Zlib.constants.BROTLI_PARAM_QUALITY]: 5 }

const brotli = promisify<Uint8Array, Zlib.BrotliOptions, Buffer>(Zlib.brotliCompress)
const gzip = promisify<Uint8Array, Buffer>(Zlib.gzip)

/** A page with its compressed forms. */
export interface WebPage {
  readonly hash: string
  /** Source of the content security policy for the styles in the page. Undefined without any. */
  readonly styleSource: string | undefined
  readonly bodies: Readonly<Record<Encoding, Effect.Effect<Uint8Array>>>
}

/** Pages of the latest rates that are kept. Each has all rates, so that of every pair would fill memory. */
export const MAX_PAGES = 32

const LISTS: ReadonlySet<string> = new Set(["/", "/crypto", "/stocks"])
const PAIR = /^\/rates\/([^/]+)\/([^/]+)$/

/** Returns the path of a page that is rendered, in one spelling. Undefined for a page without content. */
export const renderedPath = (path: string, pairs: ReadonlySet<string>): string | undefined => {
  const plain = path.length > 1 ? path.replace(/\/$/, "") : path
  if (LISTS.has(plain)) return plain
  const [, from = "", to = ""] = PAIR.exec(plain.toUpperCase().replace("/RATES/", "/rates/")) ?? []
  return pairs.has(`${from}:${to}`) ? `/rates/${from}/${to}` : undefined
}

/** Returns which template a rendered path has. A page without content has the shell of any. */
const pageOf = (path = "/"): keyof PageTemplate.PageTemplates =>
  path.startsWith("/rates/") ? "pair" : path === "/" ? "board" : "prices"

const makePage = Effect.fnUntraced(function* (html: string, hash: string, styleSource: string | undefined) {
  const bytes = new TextEncoder().encode(html)
  const page: WebPage = {
    hash,
    styleSource,
    bodies: {
      br: yield* Effect.cached(Effect.promise(() => brotli(bytes, { params: PAGE_QUALITY }))),
      gzip: yield* Effect.cached(Effect.promise(() => gzip(bytes))),
      identity: Effect.succeed(bytes)
    }
  }
  return page
})

/**
 * Makes a function that returns a page. A page is rendered once per change of the rates, at most every 250 milliseconds, and
 * compressed once per encoding. Without content if it cannot be rendered.
 */
export const make = Effect.fnUntraced(function* (files: WebFiles, render: PageRenderer.Render) {
  const { encoded } = yield* InlinedRates.make
  const data = yield* Effect.cachedWithTTL(encoded, InlinedRates.MAX_AGE)
  const templates = PageTemplate.make(files)
  const pages = new Map<string, { readonly hash: string; readonly page: Effect.Effect<WebPage> }>()

  const makeFor = Effect.fnUntraced(function* (
    path: string | undefined,
    { hash, json }: InlinedRates.EncodedData
  ) {
    const template = templates[pageOf(path)]
    const rendered = path === undefined ? Option.none() : yield* render(path, json)
    return yield* Option.match(rendered, {
      onNone: () => makePage(template.shell(json), `${hash}-${template.hash}-shell`, undefined),
      onSome: (page) =>
        makePage(template.document(page, json), `${hash}-${template.hash}`, template.styleSource)
    })
  })

  /** Forgets pages of earlier rates, and the oldest ones beyond {@link MAX_PAGES}. */
  const forget = (hash: string) => {
    for (const [path, page] of pages) if (page.hash !== hash || pages.size >= MAX_PAGES) pages.delete(path)
  }

  return Effect.fnUntraced(function* (path: string) {
    const current = yield* data
    const rendered = renderedPath(path, current.pairs)
    const key = rendered ?? ""
    const known = pages.get(key)
    if (known?.hash === current.hash) return yield* known.page
    // The first request renders; concurrent ones wait for it.
    const page = yield* Effect.cached(Effect.uninterruptible(makeFor(rendered, current)))
    forget(current.hash)
    pages.set(key, { hash: current.hash, page })
    return yield* page
  })
})
