/**
 * Loaded before a server whose memory is compared: SIGUSR2 collects its garbage, and gives back to the system what it
 * can. It changes nothing else.
 */
process.on("SIGUSR2", () => {
  void globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" })
})
