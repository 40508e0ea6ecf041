// The catalogue: models that the page's own server offers (`models/index.json`, described in `docs/catalogue.md`).

import { bytes, button, dangerous, h, reason } from "./dom.js";
import { download, verify } from "./download.js";
import * as kept from "./kept.js";
import { follow, language, live, say, Trouble } from "./words.js";

const BASE = new URL("models/", document.baseURI).href;
const INDEX = `${BASE}index.json`;

// Names become part of addresses: letters, digits, `.`, `_` and `-`, and no dot in front.
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

// The entries of an index, or an error that says what is wrong with it.
const entries = (index) => {
  if (index?.format !== "fsr-models" || index.format_version !== 1) throw new Trouble("not_catalogue");
  if (!Array.isArray(index.models)) throw new Trouble("no_models");
  return index.models.map((model) => {
    const files = Array.isArray(model.files) ? model.files : [];
    const sound = (file) => NAME.test(file?.name) && Number.isSafeInteger(file.bytes) && file.bytes > 0 && /^[0-9a-f]{64}$/.test(file.sha256);
    if (!NAME.test(model?.id) || !files.length || !files.every(sound)) throw new Trouble("bad_entry", { id: model?.id });
    const of = (file) => ({ ...file, url: `${BASE}${model.id}/${file.name}` });
    return {
      id: model.id,
      name: String(model.name ?? model.id),
      description: String(model.description ?? ""),
      languages: model.languages ?? {},
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
    const needed = bytes(needs.memory);
    words.push(short ? say("short_memory", { needed, there: bytes(has.memory) }) : say("needs_memory", { needed }));
  }
  if (needs.f16) {
    missing ||= !has.f16;
    words.push(has.f16 ? say("has_f16") : say("lacks_f16"));
  }
  return { words: words.join(" · "), missing };
};

// One model: its row, and what can be done with it.
class Entry {
  constructor(model, shelf, open, has) {
    Object.assign(this, { model, shelf, open });
    this.facts = h("span", { class: "quiet" });
    this.bar = h("progress", { max: String(model.total), value: "0", hidden: true });
    this.actions = h("div", { class: "row" });
    this.needs = h("p", { class: needs(model, has).missing ? "failed" : "quiet" });
    this.title = h("b", {});
    this.about = h("p", { class: "quiet" });
    this.row = h("li", { "data-testid": "catalogue-entry", "data-id": model.id },
      h("div", {}, this.title, " ", this.facts),
      model.description && this.about,
      needs(model, has).words && this.needs,
      this.bar,
      this.actions);
    follow(() => {
      this.title.textContent = this.name;
      this.about.textContent = this.text("description");
      this.bar.setAttribute("aria-label", say("download_of", { name: this.name }));
      this.needs.textContent = needs(model, has).words;
      if (this.state) this.draw(this.state, this.done);
    });
  }

  // The model's own words, in the page's language when it has them.
  text(field) {
    return String(this.model.languages[language()]?.[field] ?? this.model[field]);
  }

  get name() {
    return this.text("name");
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
    const { name } = this;
    const { total } = this.model;
    Object.assign(this, { state, done });
    const had = this.actions.contains(document.activeElement);
    this.row.dataset.state = state;
    this.bar.hidden = state !== "loading";
    const use = (label, kind) => button(label, kind, "catalogue-use", () => this.use());
    const remove = () => dangerous("catalogue-delete", name, () => this.remove());
    const get = (label) => button(label, "secondary", "catalogue-get", () => this.get());
    const [facts, buttons] = {
      included: [say("comes_with", { size: bytes(total) }), () => [use(say("use_it"), "secondary")]],
      none: [bytes(total), () => [get(say("download"))]],
      part: [say("part_of", { done: bytes(done), total: bytes(total) }), () => [get(say("resume")), remove()]],
      kept: [say("kept_size", { size: bytes(total) }), () => [use(say("use_it"), "secondary"), remove()]],
      loading: ["", () => [button(say("cancel"), "secondary", "catalogue-cancel", () => this.abort.abort())]],
    }[state];
    this.facts.textContent = facts;
    this.actions.replaceChildren(...buttons());
    if (had) this.actions.querySelector("button")?.focus();
  }

  tell(done, silent) {
    this.bar.value = done;
    const values = { done: bytes(done), total: bytes(this.model.total) };
    this.facts.textContent = silent ? say("silent", values) : say("of", values);
  }

  // Downloads what is missing.
  async get() {
    const { name } = this;
    const { files } = this.model;
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
    this.shelf.tell(() => say("downloaded", { name }));
    await this.look();
    this.shelf.refresh();
  }

  async interrupted(key, error) {
    const { name } = this;
    let rest = () => "";
    try {
      if (error.part) await kept.putPart(key, error.part);
      else if (error.wrong) await kept.dropPart(key);
    } catch (trouble) {
      rest = () => say("part_lost", { why: reason(trouble) });
    }
    await this.look();
    if (error.name === "AbortError") this.shelf.tell(() => say("download_cancelled", { name }) + rest());
    else this.shelf.tell(() => say("not_downloaded", { name, why: reason(error) }) + rest(), true);
  }

  // Hands the files to the page, compared with their hashes once more.
  async use() {
    const { name } = this;
    const { files, included } = this.model;
    try {
      const opened = [];
      for (const file of files) {
        let blob = await kept.whole(this.key(file));
        if (!blob && included) blob = await (await fetch(file.url)).blob();
        if (!blob) throw new Trouble("no_longer", { file: file.name });
        try {
          await verify(blob, file);
        } catch (error) {
          await kept.remove(this.key(file));
          throw error;
        }
        opened.push(new File([blob], file.name));
      }
      this.open(opened);
      this.shelf.tell(() => "");
    } catch (error) {
      this.shelf.tell(() => say("not_usable", { name, why: reason(error) }), true);
      await this.look();
    }
  }

  async remove() {
    for (const file of this.model.files) await kept.remove(this.key(file));
    await this.look();
    await this.shelf.refresh();
    this.shelf.tellHere(() => say("deleted_here", { name: this.name }));
  }
}

export class Catalogue {
  constructor(shelf, open) {
    Object.assign(this, { shelf, open });
    this.list = h("ul", { class: "shelf-list", "data-testid": "catalogue" });
    this.part = h("div", { class: "shelf-part" },
      h("h3", {}, live("catalogue")),
      h("p", { class: "quiet" }, live("catalogue_about")),
      this.list);
    this.fill();
  }

  async fill() {
    if (!kept.available()) {
      this.list.append(h("li", { class: "quiet" }, live("catalogue_off")));
      return;
    }
    try {
      const response = await fetch(INDEX);
      if (!response.ok) throw new Trouble("server_answered", { status: response.status });
      const models = entries(await response.json());
      const has = await device(models);
      for (const model of models) {
        const entry = new Entry(model, this.shelf, this.open, has);
        await entry.look();
        this.list.append(entry.row);
      }
      await this.leftOvers(models);
    } catch (error) {
      const row = h("li", { class: "failed", "data-testid": "catalogue-trouble" });
      follow(() => (row.textContent = say("catalogue_trouble", { why: reason(error) })));
      this.list.append(row);
    }
  }

  // Files that the catalogue no longer names: they take space until the visitor deletes them.
  async leftOvers(models) {
    const named = new Set(models.flatMap((model) => model.files.map((file) => kept.key(file.url, file.sha256))));
    const old = (await kept.wholes(BASE)).filter(([key]) => !named.has(key));
    if (!old.length) return;
    const size = old.reduce((sum, [, blob]) => sum + blob.size, 0);
    const row = h("li", { "data-testid": "catalogue-old" });
    const remove = async () => {
      for (const [key] of old) await kept.remove(key);
      row.remove();
      await this.shelf.refresh();
      this.shelf.tellHere(() => say("old_deleted"));
    };
    follow(() => row.replaceChildren(
      h("span", { class: "quiet" }, say("old_models", { size: bytes(size) })),
      h("div", { class: "row" }, dangerous("catalogue-delete-old", say("old_name"), remove))));
    this.list.append(row);
  }
}
