// Starts the worker's program. What the program cannot tell itself, a missing file or a trap
// that is not a panic, is told to the page here, once.
let told = false;
const trapped = (reason) => {
  if (told) return;
  told = true;
  const message = String((reason && reason.message) || reason || "unknown error");
  self.postMessage([JSON.stringify({ kind: "trapped", message })]);
};
self.addEventListener("error", (event) => trapped(event.error || event.message));
self.addEventListener("unhandledrejection", (event) => trapped(event.reason));
try {
  const { default: init } = await import("./fsr-worker.js");
  await init();
} catch (error) {
  trapped(error);
}
