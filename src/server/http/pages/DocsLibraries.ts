import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { HttpApi, HttpApiScalar, HttpApiSwagger } from "effect/http-api"
import { createHash } from "node:crypto"
import * as Routes from "../../Routes.ts"

/** A file of a library that shows OpenAPI documents in the browser. */
export interface LibraryFile {
  readonly bytes: Uint8Array
  /** Hash of the content. */
  readonly version: string
}

/** An API without endpoints: the pages that Effect renders for it contain little more than the library. */
const noApi = HttpApi.make("effex")

/** Renders a page of Effect's documentation, which has its library inline. */
const render = (page: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  Effect.gen(function* () {
    const router = yield* HttpRouter.make
    yield* Layer.build(Layer.provide(page, Layer.succeed(HttpRouter.HttpRouter, router)))
    const request = HttpServerRequest.fromWeb(new Request(`http://localhost${Routes.paths.docs}`))
    const { body } = yield* Effect.provideService(
      router.asHttpEffect(),
      HttpServerRequest.HttpServerRequest,
      request
    )
    if (body._tag !== "Uint8Array") return yield* Effect.die(new Error("Effect's documentation has no page"))
    return new TextDecoder().decode(body.body)
  }).pipe(Effect.provideService(HttpRouter.RouterConfig, Routes.CONFIG), Effect.scoped, Effect.orDie)

/** Returns the text between two others, the first of which occurs first, and the second next. */
const textBetween = (page: string, start: string, end: string) =>
  Effect.suspend(() => {
    const from = page.indexOf(start)
    const to = page.indexOf(end, from + start.length)
    return from < 0 || to < 0
      ? Effect.die(new Error(`A page of Effect's documentation has no text between ${start} and ${end}`))
      : Effect.succeed(page.slice(from + start.length, to))
  })

const toFile = (text: string): LibraryFile => {
  const bytes = new TextEncoder().encode(text)
  return { bytes, version: createHash("sha256").update(bytes).digest("base64url").slice(0, 22) }
}

/** Makes the effect that returns Scalar's script. Loaded on first use, because it has megabytes. */
export const makeScalar = Effect.cached(
  Effect.gen(function* () {
    const page = yield* render(HttpApiScalar.layer(noApi, { path: Routes.paths.docs }))
    return { script: toFile(yield* textBetween(page, "<script>", "</script>")) }
  })
)

/** Makes the effect that returns Swagger UI's script and style sheet. Loaded on first use. */
export const makeSwagger = Effect.cached(
  Effect.gen(function* () {
    const page = yield* render(HttpApiSwagger.layer(noApi, { path: Routes.paths.docs }))
    return {
      // Followed by the call that shows the document of the page.
      script: toFile(yield* textBetween(page, "<script>", "window.onload = () => {")),
      style: toFile(yield* textBetween(page, "<style>", "</style>"))
    }
  })
)
