// The waveform of the newest sound, held still by starting each trace at a rising zero crossing.

const SHOWN = 1024;
const CALM_MS = 250;

export class Scope {
  constructor(canvas) {
    this.canvas = canvas;
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.drawnAt = 0;
    this.trace = new Float32Array(2 * SHOWN);
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(trace) {
    this.trace = trace;
    const now = performance.now();
    if (this.calm.matches && now - this.drawnAt < CALM_MS) return;
    this.drawnAt = now;
    if (!this.due) this.due = requestAnimationFrame(() => this.draw());
  }

  start() {
    for (let i = this.trace.length - SHOWN; i > 0; i -= 1) {
      if (this.trace[i - 1] < 0 && this.trace[i] >= 0) return i;
    }
    return this.trace.length - SHOWN;
  }

  draw() {
    this.due = 0;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(this.canvas.clientWidth * ratio);
    const height = Math.round(this.canvas.clientHeight * ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    if (!width || !height) return;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    this.grid(pen, width, height, ratio);
    const first = this.start();
    pen.beginPath();
    for (let x = 0; x <= width; x += 1) {
      const from = first + Math.floor((x * (SHOWN - 1)) / width);
      const to = Math.max(from + 1, first + Math.floor(((x + 1) * (SHOWN - 1)) / width));
      let low = 1;
      let high = -1;
      for (let i = from; i < to && i < this.trace.length; i += 1) {
        low = Math.min(low, this.trace[i]);
        high = Math.max(high, this.trace[i]);
      }
      pen.lineTo(x, (0.5 - 0.47 * Math.max(-1, Math.min(1, high))) * height);
      if (high - low > 0.01) pen.lineTo(x, (0.5 - 0.47 * Math.max(-1, Math.min(1, low))) * height);
    }
    pen.lineJoin = "round";
    // A glow of two strokes: a blur would cost a slow machine more than the rest of the page.
    pen.lineWidth = 5 * ratio;
    pen.strokeStyle = "rgba(79, 214, 190, 0.16)";
    pen.stroke();
    pen.lineWidth = 1.5 * ratio;
    pen.strokeStyle = "#5fe6cd";
    pen.stroke();
  }

  grid(pen, width, height, ratio) {
    pen.strokeStyle = "rgba(110, 190, 175, 0.16)";
    pen.lineWidth = ratio;
    pen.beginPath();
    for (let i = 1; i < 8; i += 1) {
      const x = Math.round((i * width) / 8) + 0.5;
      pen.moveTo(x, 0);
      pen.lineTo(x, height);
    }
    for (let i = 1; i < 4; i += 1) {
      const y = Math.round((i * height) / 4) + 0.5;
      pen.moveTo(0, y);
      pen.lineTo(width, y);
    }
    pen.stroke();
  }
}
