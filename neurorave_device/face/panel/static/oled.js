// The module's own screen: 128 x 64 points, each drawn as a whole number of the display's points.

const WIDTH = 128;
const HEIGHT = 64;
const LIT = "#d9ecff";
const DARK = "#020304";

export class Oled {
  constructor(canvas) {
    this.canvas = canvas;
    this.picture = new Uint8Array((WIDTH * HEIGHT) / 8);
    this.pictures = 0;
    new ResizeObserver(() => this.fit()).observe(canvas.parentElement);
    this.fit();
  }

  fit() {
    const ratio = window.devicePixelRatio || 1;
    const style = getComputedStyle(this.canvas.parentElement);
    const room = this.canvas.parentElement.clientWidth - 2 * parseFloat(style.paddingLeft);
    const scale = Math.max(1, Math.min(Math.floor((room * ratio) / WIDTH), Math.round(3 * ratio)));
    if (scale === this.scale && ratio === this.ratio) return;
    this.scale = scale;
    this.ratio = ratio;
    this.canvas.width = WIDTH * scale;
    this.canvas.height = HEIGHT * scale;
    this.canvas.style.width = `${(WIDTH * scale) / ratio}px`;
    this.canvas.style.height = `${(HEIGHT * scale) / ratio}px`;
    this.draw();
  }

  show(picture) {
    this.picture = picture;
    this.pictures += 1;
    this.draw();
  }

  draw() {
    const pen = this.canvas.getContext("2d");
    const { scale } = this;
    // Large points keep a dark seam, as on the real glass.
    const size = scale >= 4 ? scale - 1 : scale;
    pen.fillStyle = DARK;
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    pen.fillStyle = LIT;
    for (let y = 0; y < HEIGHT; y += 1) {
      for (let x = 0; x < WIDTH; x += 1) {
        if ((this.picture[y * 16 + (x >> 3)] >> (7 - (x & 7))) & 1) {
          pen.fillRect(x * scale, y * scale, size, size);
        }
      }
    }
  }
}
