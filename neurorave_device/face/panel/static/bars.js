// One bar per descriptor: what is heard as a filled bar, what is asked as a mark, both in words below.
// In silence there is neither; while nothing is measured the bar is gone and the words say so.

import { element, setText } from "./dom.js";

// The physical value at a quantile: straight lines between the bundle's knots (0.01 to 0.99), drawn on at both ends.
function physical(knots, quantile) {
  const place = ((quantile - 0.01) / 0.98) * (knots.length - 1);
  const index = Math.min(Math.max(Math.floor(place), 0), knots.length - 2);
  return knots[index] + (place - index) * (knots[index + 1] - knots[index]);
}

function short(value, unit) {
  if (unit === "Hz" && Math.abs(value) >= 1000) return `${(value / 1000).toFixed(1)} kHz`;
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`.trim().replace("-", "\u2212");
}

export class Bars {
  constructor(host) {
    this.host = host;
    this.rows = [];
  }

  build(descriptors, words) {
    this.host.replaceChildren();
    this.host.classList.add("idle");
    this.rows = descriptors.map((descriptor) => {
      const root = element("div", "bar", this.host);
      const heading = element("h2", "", root, words[descriptor.name] || descriptor.name);
      element("small", "", heading, descriptor.name);
      const track = element("div", "track", root);
      track.setAttribute("aria-hidden", "true");
      const heard = element("i", "", track);
      const asked = element("b", "", track);
      const line = element("p", "", root);
      return { root, heard, asked, askedText: element("span", "", line), heardText: element("span", "", line), ...descriptor };
    });
  }

  show(telemetry) {
    const { sounding, measured } = telemetry;
    this.host.classList.toggle("idle", !sounding);
    this.host.classList.toggle("unmeasured", !measured);
    this.rows.forEach((row, index) => {
      const heard = Math.min(1, Math.max(0, telemetry.heard[index] || 0));
      const asked = Math.min(1, Math.max(0, telemetry.asked[index] || 0));
      const free = !telemetry.mask[index];
      row.root.classList.toggle("free", free);
      row.heard.style.transform = `scaleX(${sounding && measured ? heard.toFixed(3) : 0})`;
      row.asked.style.left = `${(100 * asked).toFixed(1)}%`;
      const { quantiles, unit } = row;
      if (!sounding) {
        setText(row.askedText, "\u2013");
        setText(row.heardText, "");
        return;
      }
      setText(row.askedText, free ? "free" : `asked ${short(physical(quantiles, asked), unit)}`);
      setText(row.heardText, measured ? `heard ${short(physical(quantiles, heard), unit)}` : "not measured");
    });
  }
}
