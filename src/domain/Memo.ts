/** Memoizes the text of an immutable object, for as long as the object is referenced. */
export const memoize = <A extends object>(encode: (value: A) => string): ((value: A) => string) => {
  const cache = new WeakMap<A, string>()
  return (value) => {
    const cached = cache.get(value)
    if (cached !== undefined) return cached
    const text = encode(value)
    cache.set(value, text)
    return text
  }
}
