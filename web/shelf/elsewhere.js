// Packages, and weights of backbones, from an address that the visitor types. The page itself may not connect
// elsewhere: the field is in a sandboxed frame, which alone may (`elsewhere.html`), and which is there only when asked
// for. Here its bytes arrive.

import { bytes, button, dangerous, h, reason } from "./dom.js";
import * as kept from "./kept.js";
import { follow, live, say } from "./words.js";

// Kept files go by the address of their package, under a folder that no server has.
const BASE = new URL("elsewhere/", document.baseURI).href;
const key = (address, name) => `${BASE}${encodeURIComponent(address)}/${name}`;
const NAME = /^[^/\\\0]{1,200}$/;
// A weight file alone is a backbone to train on.
const isBackbone = (files) => files.length === 1 && files[0].name.endsWith(".safetensors");
// The texts about either.
const PACKAGE = { fetched: "package_fetched", only: "package_fetched_only", from: "package_from", deleted: "package_deleted" };
const WEIGHTS = { fetched: "weights_fetched", only: "weights_fetched_only", from: "weights_from", deleted: "weights_deleted" };
const texts = (files) => (isBackbone(files) ? WEIGHTS : PACKAGE);
// More than any package that fits into a tab.
const MOST_BYTES = 4e9;

// Why the frame failed, from the name of a text and its values. What a browser says itself comes as `message`.
const why = ({ text, values, message }) => (typeof text === "string" && say(text, values)) || String(message ?? "") || say("unknown");

export class Elsewhere {
  constructor(shelf, open) {
    Object.assign(this, { shelf, open });
    this.frame = null;
    this.files = new Map();
    this.facts = h("p", { class: "quiet", "data-testid": "elsewhere-progress" });
    this.bar = h("progress", { hidden: true });
    this.cancel = button(live("cancel"), "secondary", "elsewhere-cancel", () => this.frame?.contentWindow.postMessage("cancel", "*"));
    this.cancel.hidden = true;
    this.place = h("div", {});
    this.toggle = h("button", { type: "button", class: "secondary", "data-testid": "elsewhere-open", "aria-expanded": "false", onclick: () => this.unfold() },
      live("elsewhere_open"));
    this.list = h("ul", { class: "shelf-list", "data-testid": "elsewhere-list" });
    this.part = h("div", { class: "shelf-part" },
      h("h3", {}, live("elsewhere")),
      h("p", { class: "quiet" }, live("elsewhere_about")),
      h("div", { class: "row" }, this.toggle),
      this.place, this.bar, this.facts, this.cancel, this.list);
    addEventListener("message", (event) => this.hear(event));
    follow(() => {
      this.bar.setAttribute("aria-label", say("elsewhere_bar"));
      this.name();
      this.fill();
    });
  }

  // Gives the frame its texts, and nothing but texts.
  name() {
    if (!this.frame) return;
    this.frame.title = say("elsewhere_frame");
    const words = { language: document.documentElement.lang, label: say("elsewhere_label"), fetch: say("elsewhere_fetch") };
    this.frame.contentWindow?.postMessage({ words }, "*");
  }

  unfold() {
    const open = !this.frame;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (open) {
      this.frame = h("iframe", { class: "outside", sandbox: "allow-scripts", src: "shelf/elsewhere.html", height: "86",
        title: say("elsewhere_frame"), referrerpolicy: "no-referrer", "data-testid": "elsewhere-frame", onload: () => this.name() });
      this.place.append(this.frame);
    } else {
      this.frame.remove();
      this.frame = null;
      this.idle();
      this.files.clear();
    }
  }

  idle() {
    this.bar.hidden = true;
    this.cancel.hidden = true;
    this.facts.textContent = "";
  }

  hear({ source, origin, data }) {
    if (!this.frame || source !== this.frame.contentWindow || origin !== "null") return;
    const { kind } = data;
    if (kind === "height") this.frame.height = String(Math.min(Math.max(Number(data.height) || 0, 60), 240));
    if (kind === "refused") this.shelf.tell(() => say("not_fetched", { why: why(data) }), true);
    if (kind === "begin") this.begin(String(data.address));
    if (kind === "file") this.file(data);
    if (kind === "piece") this.piece(data);
    if (kind === "failed") this.failed(data);
    if (kind === "end") this.end();
  }

  begin(address) {
    if (this.address !== address) this.files.clear();
    this.address = address;
    this.bar.hidden = false;
    this.cancel.hidden = false;
    this.bar.removeAttribute("value");
    this.shelf.tell(() => say("fetching", { host: new URL(address).host }));
  }

  file({ name, from, total }) {
    if (!NAME.test(name)) return;
    const before = this.files.get(name);
    this.files.set(name, from && before?.done === from ? { ...before, total } : { parts: [], done: 0, total });
  }

  piece({ name, piece }) {
    const file = this.files.get(name);
    if (!file || !(piece instanceof Uint8Array)) return;
    file.parts.push(piece);
    file.done += piece.length;
    const sum = [...this.files.values()].reduce((sum, { done }) => sum + done, 0);
    if (sum > MOST_BYTES) this.frame.contentWindow.postMessage("cancel", "*");
    const size = file.total ? say("of", { done: bytes(file.done), total: bytes(file.total) }) : bytes(file.done);
    this.facts.textContent = say("progress", { file: name, size });
    if (file.total) {
      this.bar.max = file.total;
      this.bar.value = file.done;
    } else this.bar.removeAttribute("value");
  }

  failed(data) {
    const had = this.cancel === document.activeElement;
    this.idle();
    const begun = this.files.size > 0;
    const { host } = new URL(this.address);
    const what = () => (data.cancelled ? say("fetch_cancelled", { host }) : say("fetch_failed", { host, why: why(data) }));
    this.shelf.tell(() => what() + (begun ? say("goes_on") : ""), !data.cancelled);
    if (had) this.toggle.focus();
  }

  async end() {
    this.idle();
    const { address } = this;
    const files = [...this.files].map(([name, { parts }]) => new File(parts, name));
    this.files.clear();
    this.open(files);
    try {
      for (const file of files) await kept.putWhole(key(address, file.name), file);
      this.shelf.tell(() => say(texts(files).fetched, { host: new URL(address).host }));
    } catch (error) {
      this.shelf.tell(() => say(texts(files).only, { host: new URL(address).host, why: reason(error) }), true);
    }
    await this.fill();
    this.shelf.refresh();
  }

  // The packages that are kept, one row an address.
  async fill() {
    if (!kept.available()) return;
    const packages = new Map();
    for (const [url, blob] of await kept.wholes(BASE)) {
      const [address, name] = url.slice(BASE.length).split("/").map(decodeURIComponent);
      if (!packages.has(address)) packages.set(address, []);
      packages.get(address).push([url, new File([blob], name)]);
    }
    this.list.replaceChildren(...[...packages].map(([address, files]) => this.row(address, files)));
  }

  row(address, files) {
    const names = files.map(([, file]) => file);
    const size = names.reduce((sum, file) => sum + file.size, 0);
    return h("li", { "data-testid": "elsewhere-entry", "data-address": address },
      h("div", {}, address, " ", h("span", { class: "quiet" }, bytes(size))),
      h("div", { class: "row" },
        button(say("use_it"), "secondary", "elsewhere-use", () => this.open(names)),
        dangerous("elsewhere-delete", say(texts(names).from, { address }), async () => {
          for (const [url] of files) await kept.remove(url);
          await this.fill();
          await this.shelf.refresh();
          this.shelf.tellHere(() => say(texts(names).deleted));
        })));
  }
}
