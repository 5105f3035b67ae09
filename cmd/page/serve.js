/* The page of `jackdaw serve`: ink and pictures go to the server, what the net says comes back and is drawn. */
"use strict";

const $ = (id) => document.getElementById(id);
const percent = (p) => (p >= 0.9995 ? "100" : (100 * p).toFixed(p < 0.0995 ? 1 : 0)) + " %";
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

/* A colour of the style sheet as three numbers. */
function rgb(name) {
  const g = document.createElement("canvas").getContext("2d");
  g.fillStyle = color(name);
  g.fillRect(0, 0, 1, 1);
  return [...g.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function fail(message) {
  $("failure").textContent = message;
  $("failure").hidden = !message;
}

/* One question at a time; what was asked meanwhile is asked last, so that no answer comes late. */
class Asker {
  constructor(path, done) {
    this.path = path;
    this.done = done;
    this.busy = false;
    this.next = null;
  }
  ask(body) {
    this.next = body;
    if (!this.busy) this.run();
  }
  async run() {
    this.busy = true;
    while (this.next !== null) {
      const body = this.next, begun = performance.now();
      this.next = null;
      try {
        const reply = await fetch(this.path, { method: "POST", body });
        const answer = await reply.json();
        fail(answer.error ? answer.error : "");
        if (!answer.error) this.done(answer, performance.now() - begun);
      } catch (e) {
        fail("The server does not answer. Is `jackdaw serve` still running?");
        break;
      }
    }
    this.busy = false;
  }
}

/* A canvas whose unit is the CSS pixel; returns its context. */
function fit(canvas) {
  const scale = window.devicePixelRatio || 1;
  const w = Math.round(canvas.clientWidth * scale), h = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return g;
}

function drawStroke(g, s) {
  g.beginPath();
  g.moveTo(s[0], s[1]);
  if (s.length === 2) g.lineTo(s[0] + 0.01, s[1]);
  for (let i = 2; i + 3 < s.length; i += 2) g.quadraticCurveTo(s[i], s[i + 1], (s[i] + s[i + 2]) / 2, (s[i + 1] + s[i + 3]) / 2);
  if (s.length > 2) g.lineTo(s[s.length - 2], s[s.length - 1]);
  g.stroke();
}

/* Calls begin(x, y), move(x, y) and end() for the strokes of mouse, finger or pen on a canvas. */
function listenToPen(canvas, begin, move, end) {
  let down = null;
  const at = (e) => {
    const box = canvas.getBoundingClientRect();
    return [Math.round(10 * (e.clientX - box.left)) / 10, Math.round(10 * (e.clientY - box.top)) / 10];
  };
  canvas.addEventListener("pointerdown", (e) => {
    if (down !== null || e.button > 0) return;
    down = e.pointerId;
    canvas.setPointerCapture(down);
    begin(...at(e));
    e.preventDefault();
  });
  canvas.addEventListener("pointermove", (e) => {
    if (e.pointerId !== down) return;
    const all = e.getCoalescedEvents ? e.getCoalescedEvents() : [];
    for (const p of all.length ? all : [e]) move(...at(p));
  });
  const up = (e) => {
    if (e.pointerId !== down) return;
    down = null;
    end();
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
}

/* A list of names with bars as long as their shares. */
function showBars(list, items) {
  while (list.children.length > items.length) list.lastChild.remove();
  items.forEach((item, i) => {
    let li = list.children[i];
    if (!li) {
      li = document.createElement("li");
      li.append(document.createElement("span"), document.createElement("span"));
      li.firstChild.className = "what";
      li.lastChild.className = "much";
      list.append(li);
    }
    li.firstChild.textContent = item.name;
    li.lastChild.textContent = item.p === null ? "" : percent(item.p);
    li.style.setProperty("--p", item.p === null ? 0 : item.p);
    li.classList.toggle("top", !!item.top);
  });
}

/* ---- what a net says in time: letters, spikes, texts ------------------------------------------------------------------- */

/* The letters of the likeliest reading, each with the place where the net says it most surely. */
function peaksOf(answer, alphabet) {
  if (!answer || !answer.best.length) return [];
  return answer.best[0].letters.map(([letter, t, sure]) => {
    const [x, y, p] = answer.steps[t];
    return { name: alphabet[letter], x, y, p, sure };
  });
}

/* Draws how sure the net is of a letter at each step; at(x) is where a step's place lies on the canvas. */
function drawSpikes(canvas, answer, peaks, chosen, at) {
  const g = fit(canvas), w = canvas.clientWidth, h = canvas.clientHeight;
  const top = 26, base = h - 8, font = getComputedStyle(document.body).fontFamily;
  const y = (p) => base - p * (base - top);
  g.lineWidth = 1;
  g.textAlign = "left";
  g.strokeStyle = color("rule");
  for (const p of [0, 0.5, 1]) {
    g.beginPath();
    g.moveTo(0, Math.round(y(p)) + 0.5);
    g.lineTo(w, Math.round(y(p)) + 0.5);
    g.stroke();
  }
  g.font = "11px " + font;
  g.fillStyle = color("muted");
  g.fillText("sure", 6, y(1) - 4);
  if (!answer) return;
  g.strokeStyle = color("accent");
  g.lineCap = "butt";
  g.lineWidth = 2.4;
  for (const [x, , p] of answer.steps) {
    if (p < 0.01) continue;
    g.beginPath();
    g.moveTo(at(x), base);
    g.lineTo(at(x), y(p));
    g.stroke();
  }
  g.font = "600 15px " + font;
  g.textAlign = "center";
  for (const [i, k] of peaks.entries()) {
    g.fillStyle = color(i === chosen ? "mark" : "ink");
    g.fillText(k.name === " " ? "\u2423" : k.name, at(k.x), y(k.p) - 6);
  }
}

/* The letters, each as strong as it is sure; choose(i) when one is pointed at, choose(-1) when no longer. */
function showText(out, peaks, choose) {
  out.replaceChildren(...peaks.map((k, i) => {
    const span = document.createElement("span");
    span.textContent = k.name;
    span.style.opacity = 0.35 + 0.65 * k.sure;
    span.addEventListener("pointerenter", () => choose(i));
    span.addEventListener("pointerleave", () => choose(-1));
    return span;
  }));
}

function showTexts(list, title, best) {
  const some = best.filter((b) => b.p >= 0.0005);
  showBars(list, some.map((b, i) => ({ name: b.text || "(nothing)", p: b.p, top: i === 0 })));
  title.hidden = !some.length;
}

/* ---- ink ------------------------------------------------------------------------------------------------------------- */

function startInk(model) {
  const paper = $("paper"), strokes = [];
  let answer = null, chosen = -1;

  const asker = new Asker("ink", (a, ms) => {
    if (!strokes.length) return;
    answer = a;
    $("ink-time").textContent = "read in " + Math.max(1, Math.round(ms)) + " ms";
    showAnswer();
  });
  const read = () => asker.ask(JSON.stringify(strokes));

  const peaks = () => peaksOf(answer, model.alphabet);

  function drawPaper() {
    const g = fit(paper), w = paper.clientWidth, h = paper.clientHeight;
    g.strokeStyle = color("rule");
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(0, Math.round(h * 0.66) + 0.5);
    g.lineTo(w, Math.round(h * 0.66) + 0.5);
    g.stroke();
    g.strokeStyle = color("ink");
    g.lineWidth = 2.6;
    g.lineCap = g.lineJoin = "round";
    strokes.forEach((s) => drawStroke(g, s));
    const flat = answer && answer.steps.every((s) => s[1] === 0); /* the net sees columns of a picture */
    for (const [i, k] of peaks().entries()) {
      g.strokeStyle = g.fillStyle = color("mark");
      g.lineWidth = 1;
      g.globalAlpha = i === chosen ? 1 : 0.3;
      g.beginPath();
      g.moveTo(k.x, k.y);
      g.lineTo(k.x, h);
      g.stroke();
      g.globalAlpha = 1;
      if (flat) continue;
      g.beginPath();
      g.arc(k.x, k.y, i === chosen ? 6 : 3.4, 0, 7);
      g.fill();
    }
  }

  const draw = () => {
    drawPaper();
    drawSpikes($("spikes"), answer, peaks(), chosen, (x) => x);
  };

  function choose(i) {
    chosen = i;
    [...$("text").children].forEach((span, k) => span.classList.toggle("on", k === i));
    draw();
  }

  function showAnswer() {
    showText($("text"), peaks(), choose);
    showTexts($("best"), $("best-title"), answer.best);
    draw();
  }

  function update() {
    if (!strokes.length) {
      answer = null;
      $("text").replaceChildren();
      $("ink-time").textContent = "";
      showTexts($("best"), $("best-title"), []);
    }
    $("ink-hint").hidden = strokes.length > 0;
    $("undo").disabled = $("clear").disabled = !strokes.length;
    draw();
    if (strokes.length) read();
  }

  listenToPen(paper,
    (x, y) => { strokes.push([x, y]); update(); },
    (x, y) => {
      const s = strokes[strokes.length - 1];
      if (s && (s[s.length - 2] !== x || s[s.length - 1] !== y)) { s.push(x, y); drawPaper(); read(); }
    },
    () => read());
  $("undo").onclick = () => { strokes.pop(); update(); };
  $("clear").onclick = () => { strokes.length = 0; update(); };
  redraw = draw;
  $("about").textContent = "reads what you write while you write it";
  $("ink").hidden = false;
  update();
}

/* ---- pictures -------------------------------------------------------------------------------------------------------- */

function startPicture(model) {
  const board = $("board"), side = 280, strokes = [], [height, width, channels] = model.input;
  let dropped = null;

  const asker = new Asker("picture", (a, ms) => {
    if (!strokes.length && !dropped) return;
    const best = a.p.indexOf(Math.max(...a.p));
    $("class").textContent = model.names[best];
    $("picture-time").textContent = "seen in " + Math.max(1, Math.round(ms)) + " ms";
    showClasses(a.p, best);
    showSeen(a.seen);
  });

  /* All classes in their order, or the likeliest of many. */
  function showClasses(p, best) {
    let items = model.names.map((name, k) => ({ name, p: p ? p[k] : null, top: k === best }));
    if (items.length > 12) items = p ? items.sort((a, b) => b.p - a.p).slice(0, 10) : [];
    showBars($("classes"), items);
  }

  function showSeen(seen) {
    const canvas = $("seen"), image = new ImageData(width, height);
    canvas.width = width;
    canvas.height = height;
    for (let i = 0; seen && i < width * height; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = seen[channels === 3 ? 3 * i + c : i];
      image.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.hidden = !seen;
    $("seen-text").textContent = seen ? "what the net sees: " + width + " \u00d7 " + height + " pixels" : "";
  }

  function paint(g, size, ink, brush) {
    g.strokeStyle = ink;
    g.lineCap = g.lineJoin = "round";
    g.lineWidth = brush;
    strokes.forEach((s) => drawStroke(g, s.map((v) => v * size)));
  }

  function draw() {
    const g = fit(board), w = board.clientWidth;
    if (dropped) {
      const scale = Math.min(w / dropped.width, w / dropped.height);
      g.drawImage(dropped, (w - scale * dropped.width) / 2, (w - scale * dropped.height) / 2, scale * dropped.width,
        scale * dropped.height);
    }
    paint(g, w, color("ink"), w * 0.065);
  }

  function look() {
    const canvas = document.createElement("canvas");
    const scale = dropped ? Math.min(1, 1024 / Math.max(dropped.width, dropped.height)) : 1;
    canvas.width = dropped ? Math.max(1, Math.round(scale * dropped.width)) : side;
    canvas.height = dropped ? Math.max(1, Math.round(scale * dropped.height)) : side;
    const g = canvas.getContext("2d", { willReadFrequently: true });
    g.fillStyle = dropped ? "#fff" : "#000";
    g.fillRect(0, 0, canvas.width, canvas.height);
    if (dropped) g.drawImage(dropped, 0, 0, canvas.width, canvas.height);
    else paint(g, side, "#fff", side * 0.065);
    const from = g.getImageData(0, 0, canvas.width, canvas.height).data, n = canvas.width * canvas.height;
    const head = new TextEncoder().encode((dropped ? "picture " : "draw ") + canvas.width + " " + canvas.height + "\n");
    const depth = dropped ? 3 : 1, body = new Uint8Array(head.length + n * depth);
    body.set(head);
    for (let i = 0; i < n; i++) for (let c = 0; c < depth; c++) body[head.length + depth * i + c] = from[4 * i + c];
    asker.ask(body);
  }

  function update() {
    const empty = !strokes.length && !dropped;
    $("board-hint").hidden = !empty;
    $("wipe").disabled = empty;
    draw();
    if (!empty) return look();
    $("class").replaceChildren();
    $("picture-time").textContent = "";
    showClasses(null, -1);
    showSeen(null);
  }

  async function open(file) {
    if (!file) return;
    try {
      const picture = await createImageBitmap(file);
      strokes.length = 0;
      dropped = picture;
      fail("");
      update();
    } catch (e) {
      fail("The browser cannot read this file as a picture.");
    }
  }

  listenToPen(board,
    (x, y) => { dropped = null; strokes.push([x / board.clientWidth, y / board.clientWidth]); update(); },
    (x, y) => { strokes[strokes.length - 1].push(x / board.clientWidth, y / board.clientWidth); update(); },
    () => look());
  $("wipe").onclick = () => { strokes.length = 0; dropped = null; update(); };
  $("file").onchange = (e) => { open(e.target.files[0]); e.target.value = ""; };
  dropOn(open);
  redraw = draw;
  $("classes").classList.toggle("two", model.names.length > 6);
  $("about").textContent = "names what you draw or drop";
  $("picture").hidden = false;
  update();
}

/* ---- sound ----------------------------------------------------------------------------------------------------------- */

function startSound(model) {
  const letters = model.alphabet.length > 0;
  let answer = null, chosen = -1, sound = null, recorder = null;

  const asker = new Asker("sound", (a, ms) => {
    if (!sound) return;
    answer = a;
    $("sound-time").textContent = a.seconds.toFixed(1) + " s heard in " + Math.max(1, Math.round(ms)) + " ms";
    if (letters) showTexts($("sound-best"), $("sound-title"), a.best);
    else showClasses();
    if (letters) showText($("heard"), peaks(), choose);
    else $("heard").textContent = a.text;
    draw();
  });
  const peaks = () => peaksOf(answer, model.alphabet);

  function showClasses() {
    const p = answer ? answer.classes : null, best = p ? p.indexOf(Math.max(...p)) : -1;
    showBars($("sound-best"), model.names.map((name, k) => ({ name, p: p ? p[k] : null, top: k === best })));
  }

  /* Between the paper's colour and the accent, as loud as the band is. */
  function drawSpectrogram() {
    const canvas = $("spectrogram"), g = fit(canvas), w = canvas.clientWidth, h = canvas.clientHeight;
    if (!answer) return;
    const rows = answer.spectrogram, bands = rows.length, frames = rows[0].length, picture = document.createElement("canvas");
    const ink = rgb("ink"), accent = rgb("accent"), sheet = rgb("sheet");
    picture.width = frames;
    picture.height = bands;
    const image = new ImageData(frames, bands);
    for (let k = 0; k < bands; k++) for (let t = 0; t < frames; t++) {
      const v = rows[k][t] / 99, at = 4 * ((bands - 1 - k) * frames + t);
      for (let c = 0; c < 3; c++)
        image.data[at + c] = v < 0.7 ? sheet[c] + (accent[c] - sheet[c]) * v / 0.7 : accent[c] + (ink[c] - accent[c]) * (v - 0.7) / 0.3;
      image.data[at + 3] = 255;
    }
    picture.getContext("2d").putImageData(image, 0, 0);
    g.drawImage(picture, 0, 0, w, h);
    g.strokeStyle = color("mark");
    for (const [i, k] of peaks().entries()) {
      g.globalAlpha = i === chosen ? 1 : 0.45;
      g.beginPath();
      g.moveTo(k.x / answer.seconds * w, 0);
      g.lineTo(k.x / answer.seconds * w, h);
      g.stroke();
    }
    g.globalAlpha = 1;
  }

  function draw() {
    drawSpectrogram();
    const canvas = $("sound-spikes");
    if (letters) drawSpikes(canvas, answer, peaks(), chosen, (x) => x / answer.seconds * canvas.clientWidth);
  }

  function choose(i) {
    chosen = i;
    [...$("heard").children].forEach((span, k) => span.classList.toggle("on", k === i));
    draw();
  }

  function update() {
    $("sound-hint").hidden = !!sound;
    $("play").disabled = $("hush").disabled = !sound;
    if (!sound) {
      answer = null;
      $("heard").replaceChildren();
      $("sound-time").textContent = "";
      if (letters) showTexts($("sound-best"), $("sound-title"), []);
      else showClasses();
      return draw();
    }
    const head = new TextEncoder().encode(model.rate + "\n"), body = new Uint8Array(head.length + 2 * sound.length);
    body.set(head);
    const view = new DataView(body.buffer, head.length), samples = sound.getChannelData(0);
    for (let i = 0; i < samples.length; i++) view.setInt16(2 * i, Math.max(-32768, Math.min(32767, Math.round(32768 * samples[i]))), true);
    asker.ask(body);
  }

  /* Any file that the browser can play, as one channel at the model's rate. */
  async function open(file) {
    if (!file) return;
    try {
      const whole = await new OfflineAudioContext(1, 1, model.rate).decodeAudioData(await file.arrayBuffer());
      const mono = new OfflineAudioContext(1, Math.min(whole.length, 60 * model.rate), model.rate);
      const source = mono.createBufferSource();
      source.buffer = whole;
      source.connect(mono.destination);
      source.start();
      sound = await mono.startRendering();
      fail("");
      update();
    } catch (e) {
      fail("The browser cannot read this file as sound.");
    }
  }

  async function speak() {
    if (recorder) return recorder.stop();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), pieces = [];
      recorder = new MediaRecorder(stream);
      recorder.ondataavailable = (e) => pieces.push(e.data);
      recorder.onstop = () => {
        stream.getTracks().forEach((t) => t.stop());
        $("speak").textContent = "Speak";
        $("speak").classList.remove("live");
        recorder = null;
        open(new Blob(pieces));
      };
      recorder.start();
      $("speak").textContent = "Stop";
      $("speak").classList.add("live");
    } catch (e) {
      fail("The browser gives no microphone; open a recording instead.");
    }
  }

  function play() {
    const out = new AudioContext(), source = out.createBufferSource();
    source.buffer = sound;
    source.connect(out.destination);
    source.onended = () => out.close();
    source.start();
  }

  $("speak").onclick = speak;
  $("play").onclick = play;
  $("hush").onclick = () => { sound = null; fail(""); update(); };
  $("recording").onchange = (e) => { open(e.target.files[0]); e.target.value = ""; };
  dropOn(open);
  redraw = draw;
  $("sound-spikes").hidden = !letters;
  $("sound-note").textContent = letters
    ? "Above, the sound, low tones below; under it, how sure the net is of a letter at each moment. A line marks when it says one."
    : "";
  $("sound-best").classList.toggle("two", model.names.length > 6);
  $("about").textContent = "hears what you say";
  $("sound").hidden = false;
  update();
}

/* ---- beginning --------------------------------------------------------------------------------------------------------- */

/* Files may be dropped anywhere. */
function dropOn(open) {
  const sheets = document.querySelectorAll(".sheet");
  const over = (on) => sheets.forEach((s) => s.classList.toggle("over", on));
  addEventListener("dragover", (e) => { e.preventDefault(); over(true); });
  addEventListener("dragleave", () => over(false));
  addEventListener("drop", (e) => { e.preventDefault(); over(false); open(e.dataTransfer.files[0]); });
}

let redraw = () => {};
addEventListener("resize", () => redraw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());

(async () => {
  try {
    const model = await (await fetch("model")).json();
    if (model.system) $("title").textContent = model.system;
    document.title = (model.system || "model") + " \u2013 Jackdaw";
    $("model").textContent = "Jackdaw, " + model.path + ": " + model.weights.toLocaleString("en") + " weights, " + model.net;
    ({ ink: startInk, picture: startPicture, sound: startSound })[model.kind](model);
  } catch (e) {
    fail("The server does not answer. Is `jackdaw serve` still running?");
  }
})();
