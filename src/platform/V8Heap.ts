import { Effect, Layer } from "effect"
import { setFlagsFromString } from "node:v8"

// V8 reads the factor whenever it could grow the space: https://v8.dev/blog/trash-talk tells what the space is.
const setGrowth = (factor: number) => setFlagsFromString(`--semi-space-growth-factor=${factor}`)

/**
 * Keeps the space small in which V8 puts what is new. It doubles whenever much of it lives on, as almost all does that is
 * loaded at a start, and hardly ever shrinks: a server at rest would hold 80 MB that it does not need.
 */
export const disableSemiSpaceGrowth = (): void => setGrowth(1)

/** Lets it grow with what is asked of the server, as it does by itself. */
export const enableSemiSpaceGrowth = (): void => setGrowth(2)

/** Lets the space grow 3 seconds after the start, which includes the first poll. */
export const layerGrow = Layer.effectDiscard(
  Effect.sync(enableSemiSpaceGrowth).pipe(Effect.delay("3 seconds"), Effect.forkScoped)
)
