// Detectors trained here, kept in the browser's file system of this page (OPFS): `ID.zip`, the package as it is
// saved, and beside it `ID.json` with its name and the visitor's own threshold.

import { say, Trouble } from "./words.js";

const folder = async () => {
  if (!navigator.storage?.getDirectory) {
    throw new Trouble("no_files");
  }
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle("detectors", { create: true });
};

// Written beside and put in place at the end: what was there stays when this fails.
const write = async (place, name, contents) => {
  const handle = await place.getFileHandle(name, { create: true });
  if (!handle.createWritable) throw new Trouble("no_writing");
  const stream = await handle.createWritable();
  try {
    await stream.write(contents);
    await stream.close();
  } catch (error) {
    await stream.abort().catch(() => {});
    throw error;
  }
};

const read = async (place, name) => (await place.getFileHandle(name)).getFile();

const described = async (place, id) => {
  try {
    const { name, threshold } = JSON.parse(await (await read(place, `${id}.json`)).text());
    return { name: String(name), threshold: typeof threshold === "number" ? threshold : null };
  } catch {
    // Only the words are lost.
    return { name: say("nameless"), threshold: null };
  }
};

// All that are kept, the latest first: `{id, name, threshold, bytes, saved}`.
export const list = async () => {
  const place = await folder();
  const found = [];
  for await (const [file, handle] of place.entries()) {
    if (handle.kind !== "file" || !file.endsWith(".zip")) continue;
    const { size, lastModified } = await handle.getFile();
    // Empty while it is being written, or when that failed.
    if (size === 0) continue;
    const id = file.slice(0, -".zip".length);
    found.push({ id, bytes: size, saved: lastModified, ...(await described(place, id)) });
  }
  return found.sort((a, b) => b.saved - a.saved);
};

export const keep = async (id, name, blob) => {
  const place = await folder();
  try {
    await write(place, `${id}.zip`, blob);
    await write(place, `${id}.json`, JSON.stringify({ name, threshold: null }));
  } catch (error) {
    await remove(id).catch(() => {});
    throw error;
  }
};

export const setThreshold = async (id, name, threshold) =>
  write(await folder(), `${id}.json`, JSON.stringify({ name, threshold }));

// The package, as a file that the page can open.
export const open = async ({ id, name }) => {
  const file = await read(await folder(), `${id}.zip`);
  return new File([file], `${name.replace(/[^\p{L}\p{N}._-]/gu, "-") || "detector"}.zip`, { type: "application/zip" });
};

export const remove = async (id) => {
  const place = await folder();
  await place.removeEntry(`${id}.zip`);
  await place.removeEntry(`${id}.json`).catch(() => {});
};
