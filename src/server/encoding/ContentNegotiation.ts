import Negotiator from "negotiator"

/**
 * Returns the media type that an `Accept` header prefers (RFC 9110, 12.5.1), by quality, specificity and then the order of
 * `available`. Undefined if it accepts none of them.
 */
export const preferredType = (
  accept: string | undefined,
  available: ReadonlyArray<string>
): string | undefined => new Negotiator({ headers: { accept } }).mediaType(available)

/**
 * Returns the content coding that an `Accept-Encoding` header prefers (RFC 9110, 12.5.3): with equal quality, the first of
 * `available`. `identity` if it accepts none of them.
 */
export const preferredEncoding = (
  acceptEncoding: string | undefined,
  available: ReadonlyArray<string>
): string =>
  acceptEncoding === undefined
    ? "identity"
    : (new Negotiator({ headers: { "accept-encoding": acceptEncoding } }).encoding(available, {
        preferred: available
      }) ?? "identity")
