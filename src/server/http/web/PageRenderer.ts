import { Effect, Option, Schema, Semaphore } from "effect"
import { fileURLToPath } from "node:url"

/** The built renderer: `dist/web-renderer` of this project, seen from the source or from its compiled form in `dist`. */
const MODULE = new URL(
  import.meta.filename.endsWith(".ts")
    ? "../../../../dist/web-renderer/server.js"
    : "../../../../web-renderer/server.js",
  import.meta.url
)

const RenderedPage = Schema.Struct({
  title: Schema.String,
  /** Content of the element `#app`. */
  html: Schema.String
})
export type RenderedPage = typeof RenderedPage.Type

const decode = Schema.decodeUnknownSync(RenderedPage)

/** Renders a public page with its data as JSON. None if that fails: the page without content works too. */
export type Render = (path: string, json: string) => Effect.Effect<Option.Option<RenderedPage>>

/** The function that the built renderer exports. */
export type RenderFunction = (path: string, json: string) => unknown

const load = async (): Promise<RenderFunction> => {
  const module: unknown = await import(MODULE.href)
  if (typeof module === "object" && module !== null && "render" in module) {
    const { render } = module
    if (typeof render === "function") return (path, json) => render(path, json)
  }
  throw new Error(`${fileURLToPath(MODULE)} has no function render`)
}

/** Loads a renderer. If that fails, no page is rendered. */
export const makeOf = Effect.fnUntraced(function* (loadRenderer: () => Promise<RenderFunction>) {
  const loaded = yield* Effect.tryPromise(loadRenderer).pipe(
    Effect.tapError((error) => Effect.logWarning("Pages are not rendered on the server", error)),
    Effect.option
  )
  // The renderer has the data of one page at a time.
  const one = (yield* Semaphore.make(1)).withPermit
  const render: Render = (path, json) =>
    Option.match(loaded, {
      onNone: () => Effect.succeedNone,
      onSome: (renderPage) =>
        one(Effect.tryPromise(async () => decode(await renderPage(path, json)))).pipe(
          Effect.tapError((error) => Effect.logWarning("A page could not be rendered on the server", error)),
          Effect.option
        )
    })
  return render
})

/** Loads the built renderer. */
export const make: Effect.Effect<Render> = makeOf(load)
