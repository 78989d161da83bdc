// The encoder: drag or wheel or arrow keys turn it, a click or Enter presses it, held it goes home.
// Shift, or a drag that begins after resting on it, turns finely, as a press-turn does on the module.

import { element, svg } from "./dom.js";
import { wheelSteps } from "./knob.js";

const DETENT_PIXELS = 14;
const DETENT_DEGREES = 15;
const REST_MS = 180;
const DRAG_START = 4;
// A pointer that has rested holds the switch down; so far a finger wanders in the four seconds of a very long press.
const HOLD_SLACK = 14;

export class EncoderView {
  constructor(host, link) {
    this.link = link;
    this.angle = 0;
    this.detents = 0;
    this.root = element("div", "knob encoder", host);
    this.dial = element("div", "dial", this.root);
    this.dial.tabIndex = 0;
    this.dial.setAttribute("role", "slider");
    this.dial.setAttribute("aria-label", "Encoder");
    this.dial.setAttribute("aria-describedby", "encoder-hint");
    this.draw();
    this.turned(0);
    this.listen();
  }

  draw() {
    const picture = svg("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" }, this.dial);
    svg("circle", { class: "body", cx: 50, cy: 51, r: 46 }, picture);
    this.cap = svg("g", {}, picture);
    let grip = "";
    for (let i = 0; i < 36; i += 1) {
      const angle = (i * Math.PI) / 18;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      grip += `M${(50 + 36 * c).toFixed(1)} ${(50 + 36 * s).toFixed(1)}L${(50 + 41 * c).toFixed(1)} ${(50 + 41 * s).toFixed(1)}`;
    }
    svg("circle", { class: "top", cx: 50, cy: 50, r: 41 }, this.cap);
    svg("path", { class: "grip", d: grip }, this.cap);
    svg("circle", { class: "top", cx: 50, cy: 50, r: 33 }, this.cap);
    svg("circle", { class: "dimple", cx: 50, cy: 27, r: 5 }, this.cap);
  }

  turned(steps) {
    this.detents += steps;
    this.angle += steps * DETENT_DEGREES;
    this.cap.setAttribute("transform", `rotate(${this.angle} 50 50)`);
    // It has no end; assistive programs need a number and get the count of detents.
    this.dial.setAttribute("aria-valuenow", this.detents);
    this.dial.setAttribute("aria-valuetext", `${this.detents} detents`);
  }

  turn(steps, fine, what = "turn") {
    if (steps === 0) return;
    this.turned(steps);
    this.link.act(fine ? { do: what, steps, fine } : { do: what, steps });
  }

  press() {
    if (this.down) return;
    this.down = true;
    this.dial.classList.add("down");
    this.link.act({ do: "press" });
  }

  release() {
    if (!this.down) return;
    this.down = false;
    this.dial.classList.remove("down");
    this.link.act({ do: "release" });
  }

  listen() {
    const { dial } = this;
    dial.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      dial.focus({ preventScroll: true });
      dial.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, y: event.clientY, rest: 0, moved: false };
      // Only a pointer that rests is a press: one that moves at once is a turn.
      this.resting = setTimeout(() => this.press(), REST_MS);
    });
    dial.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      const { drag } = this;
      const way = event.clientX - drag.x - (event.clientY - drag.y);
      if (!drag.moved && Math.abs(way) < (this.down ? HOLD_SLACK : DRAG_START)) return;
      drag.moved = true;
      clearTimeout(this.resting);
      drag.rest += way;
      drag.x = event.clientX;
      drag.y = event.clientY;
      const steps = Math.trunc(drag.rest / DETENT_PIXELS);
      drag.rest -= steps * DETENT_PIXELS;
      this.turn(steps, event.shiftKey);
    });
    const end = (click) => {
      if (!this.drag) return;
      clearTimeout(this.resting);
      if (click && !this.drag.moved) this.press();
      this.drag = null;
      this.release();
    };
    dial.addEventListener("pointerup", () => end(true));
    dial.addEventListener("pointercancel", () => end(false));
    dial.addEventListener("lostpointercapture", () => end(false));
    dial.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.turn(wheelSteps(event, this), event.shiftKey);
    }, { passive: false });
    dial.addEventListener("keydown", (event) => this.key(event));
    dial.addEventListener("keyup", (event) => {
      if (event.key === "Enter" || event.key === " ") this.release();
    });
    dial.addEventListener("blur", () => this.release());
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    // Clockwise is the next entry of a list, which is below, but raises a value: the module knows which it is.
    const turns = { ArrowRight: 1, ArrowLeft: -1 };
    const arrows = { ArrowUp: 1, ArrowDown: -1, PageUp: 5, PageDown: -5 };
    if (event.key in turns) this.turn(turns[event.key], event.shiftKey);
    else if (event.key in arrows) this.turn(arrows[event.key], event.shiftKey, "arrow");
    else if (event.key === "Enter" || event.key === " ") this.press();
    else return;
    event.preventDefault();
  }
}
