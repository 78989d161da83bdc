// Wiring: what the module says goes to the parts of the plate, what the hand does goes to the module.

import { Bars } from "./bars.js";
import { setText } from "./dom.js";
import { giveUpAll } from "./echo.js";
import { EncoderView } from "./encoder.js";
import { JackErrors } from "./errors.js";
import { Knob } from "./knob.js";
import { Link } from "./link.js";
import { Oled } from "./oled.js";
import { Presets } from "./presets.js";
import { Scope } from "./scope.js";
import { Sound } from "./sound.js";
import { CvStrip, GateStrip, listenKeys } from "./strips.js";

const NOTICE_MS = 6000;
// What came late is marked for this long.
const LATE_MS = 5000;
const LOST = "The connection to the module is lost; trying again.";

const byId = (id) => document.getElementById(id);
const decibels = (value) => (value > 1e-5 ? 20 * Math.log10(value) : -Infinity);
const level = (value) => `${value < -0.05 ? "\u2212" : ""}${Math.abs(value).toFixed(1)} dB`;

const state = { connected: false, hello: null, telemetry: null, rms: 0, frames: 0, values: {}, said: "", missed: 0, missedAt: -Infinity };
const link = new Link();
const oled = new Oled(byId("oled"));
const scope = new Scope(byId("scope"));
const bars = new Bars(byId("bars"));
const sound = new Sound(link.worker, showSound);
const encoder = new EncoderView(byId("encoder"), link);
const gates = [1, 2].map((index) => new GateStrip(byId("strips"), index, link));
const cvs = [1, 2, 3, 4].map((index) => new CvStrip(byId("strips"), index, link));
const errors = new JackErrors(byId("error-rows"), cvs.length, link);
const presets = new Presets(link);
const levelKnob = new Knob(byId("level"), {
  label: "Level", name: "level", low: -60, high: 6, digits: 1, value: 0, initial: 0, format: level,
  onInput: (value) => link.actSoon("level", { do: "set", id: "level", value }),
});
listenKeys(gates, () => !byId("strips").inert);

let noticeTimer = 0;

// One sentence above the plate; `lasting` ones stay until another takes their place.
function notice(text, lasting) {
  clearTimeout(noticeTimer);
  byId("notice").textContent = text;
  byId("notice").classList.toggle("shown", text !== "");
  if (text && !lasting) noticeTimer = setTimeout(() => notice(""), NOTICE_MS);
}

function showSound(soundState) {
  const silent = soundState === "suspended" || soundState === "interrupted";
  byId("start").hidden = !silent;
  if (!silent && soundState !== "running" && soundState !== "closed") notice(soundState, true);
}

byId("start").addEventListener("click", () => sound.start());
// Any gesture counts, so that whoever plays a gate first is heard.
for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, () => sound.start(), { capture: true });
}

link.on("connected", (connected) => {
  state.connected = connected;
  document.body.classList.toggle("lost", !connected);
  notice(connected ? "" : LOST, true);
  giveUpAll();
});

link.on("hello", (hello) => {
  state.hello = hello;
  const { info, words } = hello;
  showBundles(hello.bundles);
  byId("bundle").textContent = `${info.name.replaceAll("_", " ")} \u00b7 ${info.author}`;
  byId("bundle").title = `${info.description} (${info.licence})`;
  document.title = `${info.name.replaceAll("_", " ")} \u2013 neurorave`;
  byId("latency").textContent = `${info.latency_ms.toFixed(0)} ms`;
  bars.build(info.descriptors, words);
  const row = (id) => hello.parameters.find((parameter) => parameter.id === id);
  cvs.forEach((strip) => {
    const choices = (name) => row(`cv${strip.index}.${name}`).choices;
    strip.build(hello.sources, choices("destination"), choices("range"), words);
  });
  const { low, high } = row("level");
  levelKnob.setRange(low, high);
  byId("strips").inert = !info.virtual;
  byId("replay").hidden = info.virtual;
  byId("errors").hidden = !info.virtual;
  showValues();
  sound.prepare(info.sample_rate);
});

// What can be chosen; a bundle with a fault is there and says why it cannot.
function showBundles(bundles) {
  const list = byId("bundles");
  list.hidden = bundles.length < 2;
  list.replaceChildren(...bundles.map(({ name, title, fault, playing }) => {
    const row = new Option(title.replaceAll("_", " "), name, playing, playing);
    row.disabled = fault !== "";
    row.title = fault;
    return row;
  }));
}

byId("bundles").addEventListener("change", ({ target }) => {
  link.act({ do: "bundle", name: target.value });
});

link.on("values", ({ values }) => {
  state.values = values;
  if (state.hello) showValues();
});

function showValues() {
  const { values } = state;
  if (!("level" in values)) return;
  levelKnob.set(values.level);
  cvs.forEach((strip) => strip.setValues(values));
  gates.forEach((strip) => {
    const row = state.hello.parameters.find((parameter) => parameter.id === `gate${strip.index}.role`);
    strip.setRole(row.choices[values[row.id]]);
  });
}

link.on("jacks", (jacks) => {
  jacks.cv.forEach((jack, index) => cvs[index].setJack(jack));
  errors.show(jacks.cv);
  jacks.gates.forEach((gate, index) => gates[index].setGate(gate));
});

link.on("presets", ({ names, count, said }) => {
  presets.show(names);
  if (said && count !== state.memorySaid) notice(said);
  state.memorySaid = count;
});

link.on("picture", (picture) => oled.show(picture));

link.on("scope", ({ trace, rms, frames }) => {
  state.rms = rms;
  state.frames = frames;
  if (trace) scope.show(trace);
});

link.on("error", ({ text }) => {
  notice(`${text}.`.replace("..", "."));
  giveUpAll();
});

link.on("telemetry", (telemetry) => {
  state.telemetry = telemetry;
  bars.show(telemetry);
  telemetry.volts.forEach((volts, index) => cvs[index].setVolts(volts || 0));
  telemetry.gates.forEach((high, index) => gates[index].showHigh(high));
  showLight(telemetry);
  showMeter(telemetry);
  showStatus(telemetry);
});

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

function showLight({ light, state: what, message }) {
  const { colour, word } = light;
  const shine = calm.matches ? 1 : light.brightness;
  const lens = byId("lens");
  lens.style.background = `rgb(${colour.map((part) => Math.round(30 + (part - 30) * shine)).join(" ")})`;
  lens.style.boxShadow = shine > 0.1 ? `0 0 ${Math.round(12 * shine)}px rgb(${colour.join(" ")})` : "";
  setText(byId("light-word"), word);
  if (what === "fault" && message && byId("notice").textContent !== message) notice(message, true);
  if (what === "playing" && message !== state.said) {
    notice(message, true);
    // A choice that came to nothing is taken back.
    showBundles(state.hello.bundles);
  }
  state.said = what === "playing" ? message : "";
  if (what === "playing" && state.faulted && !message) notice("");
  state.faulted = what === "fault";
}

function showMeter({ level: rms, peak }) {
  const place = (value) => Math.min(1, Math.max(0, (decibels(value) + 60) / 60));
  byId("meter-level").style.clipPath = `inset(0 ${(100 - 100 * place(rms)).toFixed(1)}% 0 0)`;
  byId("meter-peak").hidden = !(peak > 0.001);
  byId("meter-peak").style.left = `${(98 * place(peak)).toFixed(1)}%`;
  const loudest = decibels(peak);
  setText(byId("peak"), Number.isFinite(loudest) ? `peak ${level(loudest)}` : "peak \u2212\u221e dB");
}

// What the module does without at each level of its governor.
const WITHOUT = ["", "meter", "meter, screen rate", "meter, screen rate, heavier bundle"];

function showStatus({ load, late, underruns, eased }) {
  byId("eased").hidden = !eased;
  setText(byId("without"), WITHOUT[eased] || "");
  setText(byId("load"), `${Math.round(100 * (load || 0))} %`);
  byId("load").classList.toggle("bad", load > 1);
  const missed = late + underruns;
  if (missed > state.missed) state.missedAt = performance.now();
  state.missed = missed;
  setText(byId("late"), String(missed));
  byId("late").classList.toggle("bad", performance.now() - state.missedAt < LATE_MS);
  const running = sound.state === "running";
  setText(byId("buffer"), running ? `${Math.round(sound.delayMs)} ms` : "\u2013");
  setText(byId("gaps"), running ? String(sound.report.underruns) : "\u2013");
}

// A page that is left may be kept by the browser for coming back, with its connection and its held gates.
window.addEventListener("pagehide", () => link.close());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

// For tests and the curious; nothing can be set here.
window.neurorave = Object.freeze({
  get connected() { return state.connected; },
  get info() { return state.hello && state.hello.info; },
  get telemetry() { return state.telemetry; },
  get values() { return { ...state.values }; },
  get rms() { return state.rms; },
  get frames() { return state.frames; },
  get pictures() { return oled.pictures; },
  get picture() { return [...oled.picture]; },
  get encoderDetents() { return encoder.detents; },
  get sound() { return { state: sound.state, ...sound.report }; },
});
