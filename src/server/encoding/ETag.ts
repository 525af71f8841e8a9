import { Effect } from "effect"
import * as Problem from "../../api/Problem.ts"

/** Makes a strong ETag (RFC 9110, 8.8.3). The value must not contain quotes. */
export const make = (value: string | number): string => `"${value}"`

/** Returns true if `If-None-Match` contains the ETag or is `*`. Compares ETags weakly (RFC 9110, 13.1.2). */
export const matchesIfNoneMatch = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  ifNoneMatch
    .split(",")
    .some((candidate) => candidate.trim() === "*" || candidate.trim().replace(/^W\//, "") === etag)

/** Parses `If-Match` for a resource whose ETag is its version (RFC 9110, 13.1.1). None means any version. */
export const parseIfMatch = (ifMatch: string | undefined) => {
  if (ifMatch === undefined || ifMatch.trim() === "*") return Effect.succeedNone
  const [, version] = /^"(\d{1,15})"$/.exec(ifMatch.trim()) ?? []
  return version === undefined
    ? Effect.fail(
        new Problem.PreconditionFailed({
          detail: "If-Match must be * or the ETag of a previous response of this API"
        })
      )
    : Effect.succeedSome(Number(version))
}
