// Keeps the page's own files, so that it opens without a network. `cargo xtask offline`, which trunk runs after each
// build, puts one line before this text: `const PAGE = { version, files: [[path, integrity, bytes], …] }`. The
// version is the hash of all that, so a new deployment is another service worker with a cache of its own. Only files
// of that list are ever answered from here; no other origin is touched, and nothing of the visitor's is kept.

const PREFIX = "fsr-page-";
const CACHE = PREFIX + PAGE.version;
const SCOPE = self.registration.scope;

// A kept file goes by its path and its content: what did not change between two versions is not fetched again.
const key = (path, integrity) => `${new URL(path, SCOPE)}?${encodeURIComponent(integrity)}`;
// "index.html" is asked for as the folder: some hosts redirect the one to the other.
const address = (path) => new URL(path === "index.html" ? "./" : path, SCOPE);
const KEYS = new Map(PAGE.files.map(([path, integrity]) => [new URL(path, SCOPE).pathname, key(path, integrity)]));
KEYS.set(new URL("./", SCOPE).pathname, KEYS.get(new URL("index.html", SCOPE).pathname));

// The browser compares each file with its hash: a deployment that is half done is not kept, and tried again later.
const fetched = async (path, integrity) => {
  const response = await fetch(address(path), { integrity, cache: "no-cache" });
  if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
  // A redirected response may not answer a navigation.
  return response.redirected ? new Response(response.body, { headers: response.headers }) : response;
};

const install = async () => {
  const cache = await caches.open(CACHE);
  // One after the other, so that the page's own requests come first.
  for (const [path, integrity] of PAGE.files) {
    const name = key(path, integrity);
    if (await cache.match(name)) continue;
    await cache.put(name, (await caches.match(name)) ?? (await fetched(path, integrity)));
  }
};

const activate = async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
};

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

// A reload of the only window takes the version that waits: this one makes way and the window asks again.
const makesWay = async ({ mode }) => {
  const waiting = self.registration.waiting;
  if (mode !== "navigate" || !waiting) return false;
  const windows = await self.clients.matchAll({ type: "window" });
  if (windows.length > 1) return false;
  waiting.postMessage("take over");
  return true;
};

const answer = async (request, name) => {
  if (await makesWay(request)) return new Response("", { headers: { refresh: "0" } });
  const cache = await caches.open(CACHE);
  return (await cache.match(name)) ?? fetch(request);
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const name = origin === self.location.origin && KEYS.get(pathname);
  if (!name || request.method !== "GET" || request.headers.has("range")) return;
  event.respondWith(answer(request, name));
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
  if (event.data === "about") {
    const bytes = PAGE.files.reduce((sum, [, , bytes]) => sum + bytes, 0);
    event.ports[0]?.postMessage({ version: PAGE.version, files: PAGE.files.length, bytes });
  }
});
