/** Checks that a text can be an idempotency key. RFC 9110 allows no other characters in a header. */
export const isIdempotencyKey = (text: string): boolean => /^[\x20-\x7e]{1,255}$/.test(text)

/** Format of an idempotency key, for error messages. */
export const IDEMPOTENCY_KEY_FORMAT = "1 to 255 printable ASCII characters"
