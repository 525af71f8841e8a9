import { setFlagsFromString } from "node:v8"

// V8 reads the factor each time it could grow a semi-space: https://v8.dev/blog/trash-talk
const setGrowthFactor = (factor: number) => setFlagsFromString(`--semi-space-growth-factor=${factor}`)

/**
 * Stops V8 from growing the semi-spaces of the young generation. They double when many objects survive, as during
 * startup, and rarely shrink again: an idle server would keep 80 MB that it does not need.
 */
export const disableSemiSpaceGrowth = (): void => setGrowthFactor(1)

/** Lets the semi-spaces grow with the load again, which is V8's default. */
export const enableSemiSpaceGrowth = (): void => setGrowthFactor(2)
