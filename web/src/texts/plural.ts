/** Names a number of things: `1 rate`, `3 rates`. */
export const plural = (count: number, one: string, many: string) =>
  count === 1 ? `1 ${one}` : `${count} ${many}`
