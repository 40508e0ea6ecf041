// Files of models, kept in the Cache API: whole ones in one cache, what came before an interruption in another.

const WHOLE = "fsr-models";
const PART = "fsr-model-parts";

// Files of the catalogue go by address and hash, so that another file under the same name is another one.
export const key = (url, hash) => `${url}?sha256=${hash}`;

// Everything in `cache` whose address starts with `prefix`: `[address, blob]`.
const all = async (name, prefix) => {
  const cache = await caches.open(name);
  const found = [];
  for (const { url } of await cache.keys()) {
    if (url.startsWith(prefix)) found.push([url, await (await cache.match(url)).blob()]);
  }
  return found;
};

const get = async (name, key) => (await (await caches.open(name)).match(key))?.blob();
const put = async (name, key, blob) => (await caches.open(name)).put(key, new Response(blob));
const drop = async (name, key) => (await caches.open(name)).delete(key);

export const available = () => "caches" in globalThis;
export const whole = (key) => get(WHOLE, key);
export const part = (key) => get(PART, key);
export const putWhole = (key, blob) => put(WHOLE, key, blob);
export const putPart = (key, blob) => put(PART, key, blob);
export const dropPart = (key) => drop(PART, key);
export const wholes = (prefix) => all(WHOLE, prefix);
export const remove = async (key) => {
  await drop(WHOLE, key);
  await drop(PART, key);
};
