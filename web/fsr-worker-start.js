// Starts the worker's program: tells the page how much of it has come, and, once, what the
// program cannot tell itself: a missing file, or a trap that is not a panic.
const say = (head) => self.postMessage([JSON.stringify(head)]);

// What the program exports, once it is there.
let exported = null;

// Of a panic the program tells itself, before it stops. Without a word it stops at `unreachable` when it asks
// for memory and gets none.
const words = (reason) => {
  const message = String((reason && reason.message) || reason || "unknown error");
  if (!(reason instanceof WebAssembly.RuntimeError) || !/unreachable/i.test(message)) return message;
  const held = exported && exported.memory ? exported.memory.buffer.byteLength : 0;
  return `probably out of memory, with ${Math.round(held / 2 ** 20)} MB held (${message})`;
};

let told = false;
const trapped = (reason) => {
  if (told) return;
  told = true;
  say({ trapped: { message: words(reason) } });
};
self.addEventListener("error", (event) => trapped(event.error || event.message));
self.addEventListener("unhandledrejection", (event) => trapped(event.reason));

// The program as a response that reports every further quarter megabyte.
const program = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname}: the server answered ${response.status}`);
  const compressed = response.headers.get("content-encoding");
  const total = (!compressed && Number(response.headers.get("content-length"))) || null;
  let done = 0;
  let next = 0;
  const counted = new TransformStream({
    transform(chunk, controller) {
      done += chunk.length;
      if (done >= next) {
        next = done + (1 << 18);
        say({ progress: { phase: "program", done, total } });
      }
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counted), { headers: { "content-type": "application/wasm" } });
};

try {
  const { default: init } = await import("./fsr-worker.js");
  exported = await init({ module_or_path: program(new URL("fsr-worker_bg.wasm", import.meta.url)) });
} catch (error) {
  trapped(error);
}
