// What the electronics of each virtual jack do wrong, by hand, so that calibrating has something to find.

import { element } from "./dom.js";
import { Knob } from "./knob.js";

const signed = (value, digits) => `${value < -0.5 * 10 ** -digits ? "\u2212" : "+"}${Math.abs(value).toFixed(digits)}`;

const KNOBS = [
  { name: "gain", low: 0.5, high: 1.5, initial: 1, digits: 3, step: 0.01, fine: 0.001, format: (value) => `\u00d7${value.toFixed(2)}` },
  { name: "offset", low: -2, high: 2, initial: 0, digits: 3, step: 0.0125, fine: 0.00125, format: (value) => `${signed(value, 2)} V` },
  { name: "noise", low: 0, high: 1, initial: 0, digits: 3, step: 0.01, fine: 0.001, format: (value) => `${Math.round(1000 * value)} mV` },
];

export class JackErrors {
  constructor(host, count, link) {
    this.rows = [];
    for (let index = 1; index <= count; index += 1) {
      const row = element("section", "row", host);
      row.setAttribute("aria-label", `Errors of CV ${index}`);
      element("h2", "", row, `CV ${index}`);
      const trio = element("div", "trio", row);
      const knobs = {};
      for (const options of KNOBS) {
        const { name } = options;
        knobs[name] = new Knob(trio, {
          ...options, label: `CV ${index} ${name}`, size: "small", value: options.initial,
          onInput: (value) => link.actSoon(`cv${index}.${name}`, { do: "jack", index, [name]: value }),
        });
      }
      this.rows.push(knobs);
    }
  }

  show(jacks) {
    jacks.forEach((jack, index) => {
      for (const [name, knob] of Object.entries(this.rows[index])) knob.set(jack[name]);
    });
  }
}
