/** Writes what never changes, and is told often, when it is told first. */
export const writtenOnce = <A extends object>(write: (value: A) => string): ((value: A) => string) => {
  const texts = new WeakMap<A, string>()
  return (value) => {
    const known = texts.get(value)
    if (known !== undefined) return known
    const text = write(value)
    texts.set(value, text)
    return text
  }
}
