// The texts. They stand in the interface's table (`web/src/words/shelf.rs`) and come by the event `fsr-words`, at once
// when they are asked for and anew when the visitor changes the language.

let texts = {};
let tag = "en";
const drawings = new Set();

// A text with its values in their places.
export const say = (name, values = {}) => (texts[name] ?? "").replace(/\{(\w+)\}/g, (place, value) => String(values[value] ?? place));

// Draws now, and again in another language. For what stays as long as the page does.
export const follow = (draw) => {
  drawings.add(draw);
  draw();
};

// A text in the page that follows the language.
export const live = (name) => {
  const node = document.createTextNode("");
  follow(() => (node.data = say(name)));
  return node;
};

// An error whose message is one of the texts.
export class Trouble extends Error {
  constructor(name, values) {
    super();
    Object.defineProperty(this, "message", { get: () => say(name, values) });
  }
}

// The language, as the address names it.
export const language = () => tag.split("-")[0];

// A moment as the language writes it; in the browser's own way when that is the same language.
export const moment = (time) => {
  const same = navigator.language.split("-")[0] === language();
  return new Date(time).toLocaleString(same ? undefined : tag);
};

addEventListener("fsr-words", ({ detail }) => {
  ({ tag, texts } = detail);
  for (const draw of drawings) draw();
});
dispatchEvent(new CustomEvent("fsr-words-wanted"));
