// The lower half of the plate: a strip per CV jack and a strip per gate.

import { element, setText, svg } from "./dom.js";
import { Echo } from "./echo.js";
import { Knob } from "./knob.js";

const SOURCE_NAMES = { none: "unpatched", manual: "knob" };
const KEYS = ["a", "s"];

const hertz = (value) => (value < 1 ? `${value.toFixed(2)} Hz` : `${value.toFixed(1)} Hz`);
const signed = (value) => `${value < -0.005 ? "\u2212" : "+"}${Math.abs(value).toFixed(2)} V`;

// The lowest and highest volts of a range as the parameter table writes it: "+-5 V" or "0..8 V".
function rangeOf(text) {
  const numbers = text.match(/\d+(\.\d+)?/g).map(Number);
  return numbers.length === 1 ? [-numbers[0], numbers[0]] : numbers;
}

function options(select, entries) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
}

function drawJack(host) {
  const box = element("div", "socket", host);
  box.setAttribute("aria-hidden", "true");
  const picture = svg("svg", { viewBox: "0 0 60 60" }, box);
  svg("circle", { class: "nut", cx: 30, cy: 30, r: 24 }, picture);
  svg("circle", { class: "plug", cx: 30, cy: 30, r: 13 }, picture);
  svg("circle", { class: "tip", cx: 30, cy: 30, r: 5 }, picture);
  return svg("circle", { class: "glow", cx: 30, cy: 30, r: 27 }, picture);
}

export class CvStrip {
  constructor(host, index, link) {
    this.index = index;
    this.link = link;
    this.source = "none";
    this.root = element("section", "strip", host);
    this.root.setAttribute("aria-label", `CV ${index}`);
    element("h2", "", this.root, `CV ${index}`);
    this.destination = element("select", "destination", this.root);
    this.destination.setAttribute("aria-label", `CV ${index} moves`);
    this.knob = new Knob(this.root, {
      label: `CV ${index} voltage`, name: "", low: -5, high: 5, value: 0, initial: 0,
      format: signed, onInput: (volts) => this.moved(volts),
    });
    this.select = element("select", "source", this.root);
    this.select.setAttribute("aria-label", `CV ${index} source`);
    const pair = element("div", "pair", this.root);
    this.rate = new Knob(pair, {
      label: `CV ${index} rate`, name: "rate", size: "small", low: 0.05, high: 20, log: true, value: 1, initial: 1,
      format: hertz, onInput: (rate) => this.send("rate", { rate }),
    });
    this.depth = new Knob(pair, {
      label: `CV ${index} depth`, name: "depth", size: "small", low: 0, high: 10, value: 5, initial: 5,
      format: (value) => `\u00b1${value.toFixed(1)} V`, onInput: (depth) => this.send("depth", { depth }),
    });
    element("div", "grow", this.root);
    this.glow = drawJack(this.root);
    this.volts = element("span", "volts", this.root);
    this.select.addEventListener("change", () => {
      this.plug(this.select.value);
      this.send("source", { source: this.select.value });
    });
    this.destination.addEventListener("change", () => {
      this.destinationEcho.sent(this.destination.selectedIndex);
      this.link.act({ do: "set", id: `cv${index}.destination`, value: this.destination.selectedIndex });
    });
    this.sourceEcho = new Echo((source) => this.setSource(source));
    this.destinationEcho = new Echo((place) => { this.destination.selectedIndex = place; });
    this.setSource("none");
  }

  build(sources, destinations, ranges, words) {
    this.ranges = ranges.map(rangeOf);
    options(this.select, sources.map((name) => [name, SOURCE_NAMES[name] || name]));
    this.select.value = this.source;
    options(this.destination, destinations.map((name) => [name, words[name] || name]));
  }

  // Turning the knob of an empty jack plugs the knob in.
  moved(volts) {
    if (this.source === "none") {
      this.plug("manual");
      this.send("source", { source: "manual", volts });
    } else {
      this.send("volts", { volts });
    }
  }

  send(key, changes) {
    this.link.actSoon(`cv${this.index}.${key}`, { do: "jack", index: this.index, ...changes });
  }

  // The hand has chosen another source.
  plug(source) {
    this.setSource(source);
    this.sourceEcho.sent(source);
  }

  setSource(source) {
    this.source = source;
    this.select.value = source;
    this.root.classList.toggle("patched", source !== "none");
    const moving = source !== "none" && source !== "manual";
    this.rate.setEnabled(moving);
    this.depth.setEnabled(moving);
  }

  setJack(jack) {
    this.sourceEcho.came(jack.source);
    this.knob.set(jack.volts);
    this.rate.set(jack.rate);
    this.depth.set(jack.depth);
  }

  setValues(values) {
    this.destinationEcho.came(values[`cv${this.index}.destination`]);
    const [low, high] = this.ranges[values[`cv${this.index}.range`]];
    if (low !== this.knob.low || high !== this.knob.high) this.knob.setRange(low, high);
  }

  setVolts(volts) {
    setText(this.volts, signed(volts));
    this.glow.style.opacity = Math.min(1, Math.abs(volts) / 5).toFixed(2);
    this.glow.style.stroke = volts < 0 ? "var(--heard)" : "var(--asked)";
  }
}

export class GateStrip {
  constructor(host, index, link) {
    this.index = index;
    this.link = link;
    this.holds = new Set();
    this.root = element("section", "strip gate", host);
    this.root.setAttribute("aria-label", `Gate ${index}`);
    element("h2", "", this.root, `Gate ${index}`);
    this.role = element("strong", "role", this.root, "\u00a0");
    this.button = element("button", `gate-button gate-${index}`, this.root);
    this.button.type = "button";
    this.button.setAttribute("aria-label", `Gate ${index}`);
    this.button.setAttribute("aria-keyshortcuts", KEYS[index - 1].toUpperCase());
    this.button.append(`gate ${index}`);
    element("kbd", "", this.button, KEYS[index - 1].toUpperCase());
    this.clock = element("button", "switch", this.root, "clock");
    this.clock.type = "button";
    this.clock.setAttribute("role", "switch");
    this.clock.setAttribute("aria-label", `Clock of gate ${index}`);
    const pair = element("div", "pair", this.root);
    this.rate = new Knob(pair, {
      label: `Clock rate of gate ${index}`, name: "rate", size: "small", low: 0.1, high: 20, log: true,
      value: 2, initial: 2, format: hertz, onInput: () => this.sendClock(),
    });
    element("div", "grow", this.root);
    this.glow = drawJack(this.root);
    this.root.append(element("span", "volts"));
    this.clockEcho = new Echo((on) => this.setClock(on));
    this.setClock(false);
    this.listen();
  }

  listen() {
    const { button } = this;
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      this.hold("pointer");
    });
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(kind, () => this.drop("pointer"));
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) this.hold("focus");
    });
    button.addEventListener("keyup", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      this.drop("focus");
    });
    button.addEventListener("blur", () => this.drop("focus"));
    // Assistive programs click without any key or pointer: give them a short gate.
    button.addEventListener("click", (event) => {
      if (event.detail !== 0) return;
      this.hold("click");
      setTimeout(() => this.drop("click"), 100);
    });
    this.clock.addEventListener("click", () => {
      this.setClock(!this.clocked);
      this.clockEcho.sent(this.clocked);
      this.sendClock();
    });
  }

  // Several ways of holding it may overlap; the gate is down while any does.
  hold(way) {
    const first = this.holds.size === 0;
    this.holds.add(way);
    if (first) this.press(true);
  }

  drop(way) {
    if (this.holds.delete(way) && this.holds.size === 0) this.press(false);
  }

  dropAll() {
    for (const way of [...this.holds]) this.drop(way);
  }

  press(down) {
    this.button.classList.toggle("down", down);
    this.setHigh(down);
    this.link.act({ do: "gate", index: this.index, down });
  }

  sendClock() {
    this.link.actSoon(`clock${this.index}`, { do: "clock", index: this.index, on: this.clocked, rate: this.rate.value });
  }

  setClock(on) {
    this.clocked = on;
    this.clock.setAttribute("aria-checked", String(on));
    this.root.classList.toggle("patched", on);
  }

  setGate(gate) {
    this.clockEcho.came(gate.clock);
    this.rate.set(gate.rate);
  }

  setRole(role) {
    setText(this.role, role);
  }

  setHigh(high) {
    this.button.classList.toggle("high", high);
    this.glow.style.opacity = high ? 1 : 0;
  }

  showHigh(high) {
    this.setHigh(high || this.holds.size > 0);
  }
}

// The keys that play the gates from anywhere on the page.
export function listenKeys(gates, enabled) {
  const gateOf = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !enabled()) return null;
    if (event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement) return null;
    const index = KEYS.indexOf(event.key.toLowerCase());
    return index < 0 ? null : gates[index];
  };
  document.addEventListener("keydown", (event) => {
    const gate = gateOf(event);
    if (gate && !event.repeat) gate.hold("key");
  });
  document.addEventListener("keyup", (event) => {
    const index = KEYS.indexOf(event.key.toLowerCase());
    if (index >= 0) gates[index].drop("key");
  });
  window.addEventListener("blur", () => gates.forEach((gate) => gate.dropAll()));
}
