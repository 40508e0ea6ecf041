// One file over the network: with progress, to be cancelled and gone on with, and compared with its hash before anyone
// sees it.

import { bytes } from "./dom.js";
import { Trouble } from "./words.js";

// After so long without a byte the visitor is told; cancelling is the visitor's.
const SILENCE = 10_000;

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

export const sha256 = async (blob) => {
  if (!crypto.subtle) throw new Trouble("no_hash");
  return hex(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
};

// Refuses a file that is not the one the catalogue means.
export const verify = async (blob, { name, bytes: expected, sha256: hash }) => {
  if (blob.size !== expected) throw new Trouble("wrong_size", { file: name, found: blob.size, wanted: expected });
  if ((await sha256(blob)) !== hash) throw new Trouble("wrong_hash", { file: name });
};

// Gets `{name, bytes, sha256}` from `url`, beginning with `part`, what there was of it. Tells the bytes so far.
// When it ends before its end, the error has what came until then as `part`; a file that proved wrong has none.
export const download = async (url, file, part, signal, tell) => {
  let parts = part ? [part] : [];
  let done = part?.size ?? 0;
  let timer;
  const heard = () => {
    clearTimeout(timer);
    tell(done, false);
    timer = setTimeout(() => tell(done, true), SILENCE);
  };
  try {
    if (done < file.bytes) {
      heard();
      const headers = done ? { range: `bytes=${done}-` } : {};
      const response = await fetch(url, { headers, signal, cache: "no-store" });
      if (!response.ok) throw new Trouble("answered", { file: file.name, status: response.status });
      const goesOn = response.headers.get("content-range")?.startsWith(`bytes ${done}-`);
      if (done && !(response.status === 206 && goesOn)) [parts, done] = [[], 0];
      const reader = response.body.getReader();
      for (;;) {
        const { done: ended, value } = await reader.read();
        if (ended) break;
        parts.push(value);
        done += value.length;
        if (done > file.bytes) {
          reader.cancel().catch(() => {});
          throw Object.assign(new Trouble("too_long", { file: file.name, wanted: bytes(file.bytes) }), { wrong: true });
        }
        heard();
      }
      if (done < file.bytes) throw new Trouble("ended", { file: file.name, done: bytes(done), total: bytes(file.bytes) });
    }
    const whole = new Blob(parts);
    try {
      await verify(whole, file);
    } catch (error) {
      throw Object.assign(error, { wrong: true });
    }
    return whole;
  } catch (failure) {
    let error = failure;
    // A browser only says "network error".
    if (error instanceof TypeError) {
      const values = { file: file.name, done: bytes(done), total: bytes(file.bytes) };
      error = done ? new Trouble("broke_off", values) : new Trouble("unreachable", values);
    }
    if (!error.wrong && done) error.part = new Blob(parts);
    throw error;
  } finally {
    clearTimeout(timer);
  }
};
