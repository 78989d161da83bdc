// A knob: drag up and down, wheel, arrow keys, page keys, Home and End; Delete or a double click for the default.

import { element, setText, svg } from "./dom.js";
import { Echo } from "./echo.js";

const SWEEP = 270;
const DRAG_PIXELS = 170;
const FINE = 0.1;

function point(share, radius) {
  const angle = ((share - 0.5) * SWEEP - 90) * (Math.PI / 180);
  return [50 + radius * Math.cos(angle), 50 + radius * Math.sin(angle)];
}

function arcPath(from, to, radius) {
  const [x0, y0] = point(from, radius);
  const [x1, y1] = point(to, radius);
  const large = Math.abs(to - from) * SWEEP > 180 ? 1 : 0;
  return `M${x0.toFixed(2)} ${y0.toFixed(2)}A${radius} ${radius} 0 ${large} 1 ${x1.toFixed(2)} ${y1.toFixed(2)}`;
}

// One detent of a wheel is one step, however finely a touch pad scrolls.
export function wheelSteps(event, state) {
  const scale = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 100 : 1;
  const delta = -(event.deltaY || event.deltaX) * scale;
  if (Math.abs(delta) >= 50) {
    state.rest = 0;
    return Math.sign(delta) * Math.max(1, Math.round(Math.abs(delta) / 120));
  }
  state.rest = (state.rest || 0) + delta;
  const steps = Math.trunc(state.rest / 30);
  state.rest -= steps * 30;
  return steps;
}

export class Knob {
  // options: label (spoken), name (shown), low, high, log, digits, value, initial, step, fine, size, format, onInput.
  constructor(host, options) {
    Object.assign(this, { step: 0.01, fine: 0.002, size: "large", log: false }, options);
    this.echo = new Echo((value) => this.show(value));
    this.enabled = true;
    this.root = element("div", `knob ${this.size}`, host);
    this.dial = element("div", "dial", this.root);
    this.dial.tabIndex = 0;
    this.dial.setAttribute("role", "slider");
    this.dial.setAttribute("aria-label", this.label);
    this.name = element("span", "name", this.root, this.name);
    this.reading = element("span", "value", this.root);
    this.name.setAttribute("aria-hidden", "true");
    this.reading.setAttribute("aria-hidden", "true");
    this.drawDial();
    this.listen();
    this.setRange(this.low, this.high);
  }

  drawDial() {
    const picture = svg("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" }, this.dial);
    let ticks = "";
    for (let i = 0; i <= 10; i += 1) {
      const [x0, y0] = point(i / 10, 47);
      const [x1, y1] = point(i / 10, i % 5 ? 49.5 : 51.5);
      ticks += `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}`;
    }
    svg("path", { class: "groove", d: arcPath(0, 1, 42) }, picture);
    this.arc = svg("path", { class: "arc" }, picture);
    svg("path", { class: "ticks", d: ticks }, picture);
    svg("circle", { class: "body", cx: 50, cy: 51, r: 34 }, picture);
    svg("circle", { class: "top", cx: 50, cy: 50, r: 28 }, picture);
    this.mark = svg("line", { class: "mark", x1: 50, y1: 20, x2: 50, y2: 33 }, picture);
  }

  setRange(low, high) {
    this.low = low;
    this.high = high;
    this.dial.setAttribute("aria-valuemin", low);
    this.dial.setAttribute("aria-valuemax", high);
    this.show(Math.min(Math.max(this.value, low), high));
  }

  // Grey it out where it acts on nothing; it stays in the tab order, so that the order never changes.
  setEnabled(enabled) {
    this.enabled = enabled;
    this.root.classList.toggle("off", !enabled);
    this.dial.setAttribute("aria-disabled", String(!enabled));
  }

  toUnit(value) {
    if (this.log) return Math.log(value / this.low) / Math.log(this.high / this.low);
    return (value - this.low) / (this.high - this.low);
  }

  fromUnit(unit) {
    const share = Math.min(1, Math.max(0, unit));
    const value = this.log ? this.low * (this.high / this.low) ** share : this.low + share * (this.high - this.low);
    return this.digits === undefined ? value : Number(value.toFixed(this.digits));
  }

  show(value) {
    this.value = value;
    const unit = Math.min(1, Math.max(0, this.toUnit(value)));
    const middle = !this.log && this.low < 0 && this.high > 0 ? this.toUnit(0) : 0;
    this.arc.setAttribute("d", Math.abs(unit - middle) < 0.002 ? "" : arcPath(Math.min(unit, middle), Math.max(unit, middle), 42));
    this.mark.setAttribute("transform", `rotate(${((unit - 0.5) * SWEEP).toFixed(1)} 50 50)`);
    const text = this.format(value);
    setText(this.reading, text);
    this.dial.setAttribute("aria-valuenow", Number(value.toPrecision(6)));
    this.dial.setAttribute("aria-valuetext", text);
  }

  // Take the module's value.
  set(value) {
    this.echo.came(value);
  }

  // The hand moved it to this place.
  input(unit) {
    if (!this.enabled) return;
    const value = this.fromUnit(unit);
    if (value === this.value) return;
    this.show(value);
    this.echo.sent(value);
    this.onInput(value);
  }

  nudge(steps, fine) {
    const size = fine ? this.fine : this.step;
    const ticks = Math.round(this.toUnit(this.value) / size);
    this.input((ticks + steps) * size);
  }

  toInitial() {
    if (this.initial !== undefined) this.input(this.toUnit(this.initial));
  }

  listen() {
    const { dial } = this;
    dial.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.enabled) return;
      event.preventDefault();
      dial.focus({ preventScroll: true });
      dial.setPointerCapture(event.pointerId);
      this.dragging = { y: event.clientY, x: event.clientX, unit: this.toUnit(this.value) };
    });
    dial.addEventListener("pointermove", (event) => {
      if (!this.dragging) return;
      const drag = this.dragging;
      const way = drag.y - event.clientY + (event.clientX - drag.x);
      drag.y = event.clientY;
      drag.x = event.clientX;
      drag.unit = Math.min(1, Math.max(0, drag.unit + (way / DRAG_PIXELS) * (event.shiftKey ? FINE : 1)));
      this.input(drag.unit);
    });
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
      dial.addEventListener(kind, () => { this.dragging = null; });
    }
    dial.addEventListener("dblclick", () => this.toInitial());
    dial.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.nudge(wheelSteps(event, this), event.shiftKey);
    }, { passive: false });
    dial.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const fine = event.shiftKey;
    const moves = {
      ArrowUp: () => this.nudge(1, fine),
      ArrowRight: () => this.nudge(1, fine),
      ArrowDown: () => this.nudge(-1, fine),
      ArrowLeft: () => this.nudge(-1, fine),
      PageUp: () => this.nudge(10, fine),
      PageDown: () => this.nudge(-10, fine),
      Home: () => this.input(0),
      End: () => this.input(1),
      Delete: () => this.toInitial(),
      Backspace: () => this.toInitial(),
    };
    if (moves[event.key]) {
      event.preventDefault();
      moves[event.key]();
    }
  }
}
