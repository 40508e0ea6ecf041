// The catalogue: models that the page's own server offers (`models/index.json`, described in `docs/catalogue.md`).

import { bytes, button, dangerous, h, reason } from "./dom.js";
import { download, verify } from "./download.js";
import * as kept from "./kept.js";

const BASE = new URL("models/", document.baseURI).href;
const INDEX = `${BASE}index.json`;

// Names become part of addresses: letters, digits, `.`, `_` and `-`, and no dot in front.
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

// The entries of an index, or an error that says what is wrong with it.
const entries = (index) => {
  if (index?.format !== "fsr-models" || index.format_version !== 1) throw new Error("it is not a catalogue of version 1");
  if (!Array.isArray(index.models)) throw new Error("it has no list of models");
  return index.models.map((model) => {
    const files = Array.isArray(model.files) ? model.files : [];
    const sound = (file) => NAME.test(file?.name) && Number.isSafeInteger(file.bytes) && file.bytes > 0 && /^[0-9a-f]{64}$/.test(file.sha256);
    if (!NAME.test(model?.id) || !files.length || !files.every(sound)) throw new Error(`its entry “${model?.id}” is not usable`);
    const of = (file) => ({ ...file, url: `${BASE}${model.id}/${file.name}` });
    return {
      id: model.id,
      name: String(model.name ?? model.id),
      description: String(model.description ?? ""),
      needs: { memory: Number(model.needs?.memory) || null, f16: model.needs?.f16 === true },
      included: model.included === true,
      files: files.map(of),
      total: files.reduce((sum, file) => sum + file.bytes, 0),
    };
  });
};

// What this device has, as far as a browser tells; the GPU is asked only for a model that needs it.
const device = async (models) => {
  const asked = models.some(({ needs }) => needs.f16);
  const adapter = asked && (await navigator.gpu?.requestAdapter().catch(() => null));
  return { memory: navigator.deviceMemory ? navigator.deviceMemory * 1e9 : null, f16: (adapter && adapter.features.has("shader-f16")) || false };
};

// What a model needs against what there is: words, and whether something is missing.
const needs = ({ needs }, has) => {
  const words = [];
  let missing = false;
  if (needs.memory) {
    const short = has.memory !== null && needs.memory > has.memory;
    missing ||= short;
    words.push(`Needs ${bytes(needs.memory)} of memory${short ? `, this device has about ${bytes(has.memory)}` : ""}`);
  }
  if (needs.f16) {
    missing ||= !has.f16;
    words.push(has.f16 ? "Needs 16-bit floats on the GPU, and has them" : "Needs 16-bit floats on the GPU, which this browser does not offer");
  }
  return { words: words.join(" · "), missing };
};

// One model: its row, and what can be done with it.
class Entry {
  constructor(model, shelf, open, has) {
    Object.assign(this, { model, shelf, open });
    const need = needs(model, has);
    this.facts = h("span", { class: "quiet" });
    this.bar = h("progress", { max: String(model.total), value: "0", "aria-label": `Download of ${model.name}`, hidden: true });
    this.actions = h("div", { class: "row" });
    this.row = h("li", { "data-testid": "catalogue-entry", "data-id": model.id },
      h("div", {}, h("b", {}, model.name), " ", this.facts),
      model.description && h("p", { class: "quiet" }, model.description),
      need.words && h("p", { class: need.missing ? "failed" : "quiet" }, need.words),
      this.bar,
      this.actions);
  }

  key(file) {
    return kept.key(file.url, file.sha256);
  }

  // Looks at what is kept of it, and draws that.
  async look() {
    let whole = 0;
    let part = 0;
    for (const file of this.model.files) {
      const blob = await kept.whole(this.key(file));
      if (blob) whole += blob.size;
      else part += (await kept.part(this.key(file)))?.size ?? 0;
    }
    const { total } = this.model;
    if (whole === total) this.draw("kept", whole);
    else if (whole + part) this.draw("part", whole + part);
    else this.draw(this.model.included ? "included" : "none", 0);
  }

  // Replaces the buttons; the focus stays in the row when it was there.
  draw(state, done) {
    const { name, total } = this.model;
    const had = this.actions.contains(document.activeElement);
    this.row.dataset.state = state;
    this.bar.hidden = state !== "loading";
    const use = (label, kind) => button(label, kind, "catalogue-use", () => this.use());
    const remove = () => dangerous("Delete", "catalogue-delete", name, () => this.remove());
    const get = (label) => button(label, "secondary", "catalogue-get", () => this.get());
    const [facts, buttons] = {
      included: [`${bytes(total)} · comes with the page`, () => [use("Use", "secondary")]],
      none: [bytes(total), () => [get("Download")]],
      part: [`${bytes(done)} of ${bytes(total)} downloaded`, () => [get("Resume"), remove()]],
      kept: [`${bytes(total)} · kept in this browser`, () => [use("Use", "secondary"), remove()]],
      loading: ["", () => [button("Cancel", "secondary", "catalogue-cancel", () => this.abort.abort())]],
    }[state];
    this.facts.textContent = facts;
    this.actions.replaceChildren(...buttons());
    if (had) this.actions.querySelector("button")?.focus();
  }

  tell(done, silent) {
    this.bar.value = done;
    const words = `${bytes(done)} of ${bytes(this.model.total)}`;
    this.facts.textContent = silent ? `${words}, the server is silent` : words;
  }

  // Downloads what is missing.
  async get() {
    const { name, files } = this.model;
    this.abort = new AbortController();
    this.draw("loading", 0);
    let before = 0;
    for (const file of files) {
      const key = this.key(file);
      try {
        if (!(await kept.whole(key))) {
          const part = await kept.part(key);
          const blob = await download(file.url, file, part, this.abort.signal, (done, silent) => this.tell(before + done, silent));
          await kept.putWhole(key, blob);
        }
        await kept.dropPart(key);
      } catch (error) {
        await this.interrupted(key, error);
        return;
      }
      before += file.bytes;
    }
    this.shelf.say(`“${name}” was downloaded, compared with its hashes, and is kept in this browser.`);
    await this.look();
    this.shelf.refresh();
  }

  async interrupted(key, error) {
    const { name } = this.model;
    let rest = "";
    try {
      if (error.part) await kept.putPart(key, error.part);
      else if (error.wrong) await kept.dropPart(key);
    } catch (trouble) {
      rest = ` What had come could not be kept: ${reason(trouble)}.`;
    }
    await this.look();
    if (error.name === "AbortError") this.shelf.say(`The download of “${name}” was cancelled.${rest}`);
    else this.shelf.say(`“${name}” could not be downloaded: ${reason(error)}.${rest}`, true);
  }

  // Hands the files to the page, compared with their hashes once more.
  async use() {
    const { name, files, included } = this.model;
    try {
      const opened = [];
      for (const file of files) {
        let blob = await kept.whole(this.key(file));
        if (!blob && included) blob = await (await fetch(file.url)).blob();
        if (!blob) throw new Error(`${file.name} is no longer kept`);
        try {
          await verify(blob, file);
        } catch (error) {
          await kept.remove(this.key(file));
          throw error;
        }
        opened.push(new File([blob], file.name));
      }
      this.open(opened);
      this.shelf.say("");
    } catch (error) {
      this.shelf.say(`“${name}” cannot be used: ${reason(error)}.`, true);
      await this.look();
    }
  }

  async remove() {
    for (const file of this.model.files) await kept.remove(this.key(file));
    await this.look();
    await this.shelf.refresh();
    this.shelf.sayHere(`“${this.model.name}” was deleted from this browser.`);
  }
}

export class Catalogue {
  constructor(shelf, open) {
    Object.assign(this, { shelf, open });
    this.list = h("ul", { class: "shelf-list", "data-testid": "catalogue" });
    this.part = h("div", { class: "shelf-part" },
      h("h3", {}, "Catalogue"),
      h("p", { class: "quiet" }, "Models that this page's server offers. Each file is compared with its hash before it is used."),
      this.list);
    this.fill();
  }

  async fill() {
    if (!kept.available()) {
      this.list.append(h("li", { class: "quiet" }, "This browser keeps no models for pages, or only for those opened over HTTPS."));
      return;
    }
    try {
      const response = await fetch(INDEX);
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const models = entries(await response.json());
      const has = await device(models);
      for (const model of models) {
        const entry = new Entry(model, this.shelf, this.open, has);
        await entry.look();
        this.list.append(entry.row);
      }
      await this.leftOvers(models);
    } catch (error) {
      this.list.append(h("li", { class: "failed", "data-testid": "catalogue-trouble" }, `The catalogue cannot be read: ${reason(error)}.`));
    }
  }

  // Files that the catalogue no longer names: they take space until the visitor deletes them.
  async leftOvers(models) {
    const named = new Set(models.flatMap((model) => model.files.map((file) => kept.key(file.url, file.sha256))));
    const old = (await kept.wholes(BASE)).filter(([key]) => !named.has(key));
    if (!old.length) return;
    const size = old.reduce((sum, [, blob]) => sum + blob.size, 0);
    const row = h("li", { "data-testid": "catalogue-old" },
      h("span", { class: "quiet" }, `${bytes(size)} of models that are no longer in the catalogue`),
      h("div", { class: "row" }, dangerous("Delete", "catalogue-delete-old", "the old models", async () => {
        for (const [key] of old) await kept.remove(key);
        row.remove();
        await this.shelf.refresh();
        this.shelf.sayHere("The old models were deleted.");
      })));
    this.list.append(row);
  }
}
