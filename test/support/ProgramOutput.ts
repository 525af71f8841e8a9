import { Effect } from "effect"

/** The text that a program has printed so far. */
export class ProgramOutput {
  #text = ""
  #hasEnded = false
  readonly #listeners = new Set<() => void>()

  get text(): string {
    return this.#text
  }

  append(chunk: string): void {
    this.#text += chunk
    this.#notify()
  }

  /** Marks the output as complete: waiting for more of it fails. */
  end(): void {
    this.#hasEnded = true
    this.#notify()
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Waits until the text matches and returns the match. Dies if the program ends without printing it. */
  match(pattern: RegExp): Effect.Effect<RegExpMatchArray> {
    return Effect.callback<RegExpMatchArray>((resume) => {
      const check = () => {
        const match = this.#text.match(pattern)
        if (match !== null) resume(Effect.succeed(match))
        else if (this.#hasEnded)
          resume(Effect.die(new Error(`ended without printing ${pattern}: ${this.#text}`)))
        else return
        this.#listeners.delete(check)
      }
      this.#listeners.add(check)
      check()
      return Effect.sync(() => this.#listeners.delete(check))
    })
  }
}
