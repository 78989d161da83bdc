// What was sent comes back from the module, sometimes after older values that were on their way: a control waits
// for its own value, so that it never jumps back under the hand.

const PATIENCE_MS = 3000;
const waiting = new Set();

export class Echo {
  // `show` draws a value that the module has.
  constructor(show) {
    this.show = show;
    this.newest = undefined;
  }

  // The hand has asked for this value.
  sent(value) {
    this.value = value;
    waiting.add(this);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.giveUp(), PATIENCE_MS);
  }

  // The module has this value.
  came(value) {
    this.newest = value;
    if (waiting.has(this) && value !== this.value) return;
    this.close();
    this.show(value);
  }

  // The module did not take the value: show what it has.
  giveUp() {
    this.close();
    if (this.newest !== undefined) this.show(this.newest);
  }

  close() {
    waiting.delete(this);
    clearTimeout(this.timer);
  }
}

// The module has refused something, or is gone.
export function giveUpAll() {
  for (const echo of [...waiting]) echo.giveUp();
}
