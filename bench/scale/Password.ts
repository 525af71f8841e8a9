/** Password of every generated user. */
export const PASSWORD = "a passphrase of the benchmark"
