import { Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { createHash } from "node:crypto"
import { promisify } from "node:util"
import * as Zlib from "node:zlib"
import * as PageRateLimit from "../../middleware/limits/PageRateLimit.ts"
import * as ContentNegotiation from "../../encoding/ContentNegotiation.ts"
import * as ETag from "../../encoding/ETag.ts"
import * as ChunkedBody from "./ChunkedBody.ts"

/** Time for which clients may use a copy without a request. After it, the ETag shows if the copy is current. */
const MAX_AGE_SECONDS = 300
/** For an address with `?v=` and the version of the document, whose content never changes. */
const VERSIONED_MAX_AGE_SECONDS = 31_536_000
const GZIP_LEVEL = 9
/** Higher qualities take ten times as long for the last tenth of the size. */
const BROTLI_QUALITY = 5

/** In order of preference. */
const ENCODINGS = ["br", "gzip", "identity"] as const

const brotli = promisify<Uint8Array, Zlib.BrotliOptions, Buffer>(Zlib.brotliCompress)
const gzip = promisify<Uint8Array, Zlib.ZlibOptions, Buffer>(Zlib.gzip)

/** A document that does not change while the server runs. */
export interface Document {
  readonly bytes: Uint8Array
  readonly contentType: string
  /** Hash of the content, which the pages that refer to it add to its address as `?v=`. */
  readonly version?: string
  /** Other headers of its responses. */
  readonly headers?: Readonly<Record<string, string>>
}

const prepare = Effect.fnUntraced(function* <E, R>(document: Effect.Effect<Document, E, R>) {
  const { bytes, contentType, headers = {}, version } = yield* document
  const quality = { [Zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY }
  return {
    contentType,
    headers,
    version,
    hash: createHash("sha256").update(bytes).digest("base64url"),
    bodies: {
      br: yield* Effect.cached(Effect.promise(() => brotli(bytes, { params: quality }))),
      gzip: yield* Effect.cached(Effect.promise(() => gzip(bytes, { level: GZIP_LEVEL }))),
      identity: Effect.succeed(bytes)
    }
  }
})

/**
 * Creates an effect that responds with a document. All responses share its bytes: it is built once and compressed once per
 * encoding, on first use, by Node's thread pool. `varyBy` names the request header that selected the document.
 */
export const make = <E, R>(document: Effect.Effect<Document, E, R>, varyBy?: string) =>
  Effect.zipWith(PageRateLimit.make, Effect.cached(prepare(document)), ({ countBytes }, prepared) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { bodies, contentType, hash, headers, version } = yield* prepared
      const preferred = ContentNegotiation.preferredEncoding(request.headers["accept-encoding"], ENCODINGS)
      const encoding = ENCODINGS.find((each) => each === preferred) ?? "identity"
      const etag = ETag.make(encoding === "identity" ? hash : `${hash}-${encoding}`)
      const common = {
        ...headers,
        etag,
        "cache-control":
          version !== undefined && request.url.endsWith(`?v=${version}`)
            ? `public, max-age=${VERSIONED_MAX_AGE_SECONDS}, immutable`
            : `public, max-age=${MAX_AGE_SECONDS}`,
        vary: varyBy === undefined ? "Accept-Encoding" : `${varyBy}, Accept-Encoding`
      }
      if (ETag.matchesIfNoneMatch(request.headers["if-none-match"], etag))
        return HttpServerResponse.empty({ status: 304, headers: common })
      const bytes = yield* bodies[encoding]
      const rejection = countBytes(request, bytes.length)
      if (rejection !== undefined) return yield* rejection
      return ChunkedBody.respond(bytes, {
        contentType,
        headers: encoding === "identity" ? common : { ...common, "content-encoding": encoding }
      })
    })
  )
