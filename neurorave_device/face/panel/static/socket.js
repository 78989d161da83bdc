// A worker that owns the WebSocket, so that sound goes on to the audio thread whatever the page is busy with.
// From the page: {act}, {audio: MessagePort}, {playing: bool}, {ready: true} (it has drawn what it got).
// To the page: {connected} at once, and {news} when it is ready: the newest of each kind since the last time, so
// that a slow page shows less often instead of later and later.

const HEADER_BYTES = 16;
const AUDIO = 1;
const PICTURE = 2;
const TRACE_SAMPLES = 2048;
const NEWS_MS = 33;
const RETRY_MS = [250, 500, 1000, 2000];

let socket = null;
let tries = 0;
let audioPort = null;
let playing = false;
let frames = 0;
let energy = 0;
let counted = 0;
let silent = false;
let ready = true;
let toldAt = 0;
let news = new Map();
const trace = new Float32Array(TRACE_SAMPLES);

function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    tries = 0;
    postMessage({ connected: true });
  };
  socket.onmessage = (event) => {
    if (typeof event.data === "string") {
      const message = JSON.parse(event.data);
      news.set(message.type, message);
    } else {
      takeBinary(event.data);
    }
    tell();
  };
  socket.onclose = () => {
    postMessage({ connected: false });
    if (audioPort) audioPort.postMessage({ reset: true });
    setTimeout(connect, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
    tries += 1;
  };
}

function takeBinary(buffer) {
  const header = new DataView(buffer);
  const kind = header.getUint32(0, true);
  if (kind === PICTURE) {
    news.set("picture", new Uint8Array(buffer.slice(HEADER_BYTES)));
  } else if (kind === AUDIO) {
    const samples = new Float32Array(buffer.slice(HEADER_BYTES));
    measure(samples);
    if (audioPort && playing) {
      audioPort.postMessage({ start: header.getFloat64(8, true), samples }, [samples.buffer]);
    }
  }
}

function measure(samples) {
  frames += 1;
  const kept = samples.subarray(Math.max(0, samples.length - TRACE_SAMPLES));
  trace.copyWithin(0, kept.length);
  trace.set(kept, TRACE_SAMPLES - kept.length);
  for (const sample of samples) energy += sample * sample;
  counted += samples.length;
}

function tell() {
  const now = performance.now();
  if (!ready || now - toldAt < NEWS_MS) return;
  if (counted > 0) {
    // A flat line is drawn once.
    const flat = trace.every((sample) => Math.abs(sample) < 1e-4);
    news.set("scope", { trace: flat && silent ? null : trace.slice(), rms: Math.sqrt(energy / counted), frames });
    silent = flat;
    energy = 0;
    counted = 0;
  }
  if (news.size === 0) return;
  toldAt = now;
  ready = false;
  // A map keeps the order of arrival, and the greeting comes first.
  postMessage({ news });
  news = new Map();
}

onmessage = ({ data }) => {
  if ("act" in data) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(data.act));
  } else if ("ready" in data) {
    ready = true;
  } else if ("audio" in data) {
    audioPort = data.audio;
  } else if ("playing" in data) {
    // What waited while the sound stood still is old.
    if (audioPort && data.playing && !playing) audioPort.postMessage({ reset: true });
    playing = data.playing;
  }
};

connect();
