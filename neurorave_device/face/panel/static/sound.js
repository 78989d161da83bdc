// The browser's sound: an AudioContext at the bundle's rate with one worklet. Browsers let it run after a gesture.

export class Sound {
  // `worker` is the socket's worker; `onState` is called with "running", "suspended" or a sentence about a failure.
  constructor(worker, onState) {
    this.worker = worker;
    this.onState = onState;
    this.context = null;
    this.report = { rms: 0, loudest: 0, underruns: 0, skips: 0, seconds: 0 };
    this.rate = 0;
  }

  get state() {
    return this.context ? this.context.state : "none";
  }

  // Milliseconds between a sample's arrival and the loudspeaker, as far as the browser says.
  get delayMs() {
    const output = this.context ? this.context.outputLatency || this.context.baseLatency || 0 : 0;
    return 1000 * (this.report.seconds + output);
  }

  // Make the context for a sample rate; does nothing where it is made already.
  async prepare(rate) {
    if (rate === this.rate) return;
    this.rate = rate;
    if (this.context) await this.context.close();
    try {
      this.context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
      const { context } = this;
      context.onstatechange = () => this.changed();
      await context.audioWorklet.addModule("/static/worklet.js");
      const node = new AudioWorkletNode(context, "neurorave-player", {
        numberOfInputs: 0,
        outputChannelCount: [2],
      });
      const { port1, port2 } = new MessageChannel();
      node.port.postMessage({ audio: port2 }, [port2]);
      node.port.onmessage = ({ data }) => { this.report = data; };
      node.connect(context.destination);
      this.worker.postMessage({ audio: port1 }, [port1]);
      this.changed();
    } catch (error) {
      this.onState(`This browser cannot play the sound (${error.message}).`);
    }
  }

  // Call it from a gesture.
  async start() {
    if (this.context && this.context.state !== "running") await this.context.resume();
  }

  changed() {
    this.worker.postMessage({ playing: this.state === "running" });
    this.onState(this.state);
  }
}
