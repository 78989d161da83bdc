// The page's end of the connection: actions out, messages in, by way of the socket's worker.

export class Link {
  constructor() {
    this.worker = new Worker("/static/socket.js");
    this.handlers = {};
    this.waiting = new Map();
    this.worker.onmessage = ({ data }) => {
      if ("connected" in data) {
        this.tell("connected", data.connected);
        return;
      }
      for (const [kind, value] of data.news) this.tell(kind, value);
      requestAnimationFrame(() => this.worker.postMessage({ ready: true }));
    };
  }

  on(kind, handler) {
    this.handlers[kind] = handler;
  }

  tell(kind, value) {
    const handler = this.handlers[kind];
    if (handler) handler(value);
  }

  // Send an action now.
  act(action) {
    this.worker.postMessage({ act: action });
  }

  // Send an action that replaces an unsent one of the same key; a dragged knob sends once per picture.
  actSoon(key, action) {
    if (this.waiting.size === 0) requestAnimationFrame(() => this.flush());
    this.waiting.set(key, action);
  }

  // End the connection at once.
  close() {
    this.worker.terminate();
  }

  flush() {
    for (const action of this.waiting.values()) this.act(action);
    this.waiting.clear();
  }
}
