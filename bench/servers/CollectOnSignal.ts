/** Preloaded into servers whose memory is compared: SIGUSR2 triggers a full garbage collection. */
process.on("SIGUSR2", () => {
  void globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" })
})
