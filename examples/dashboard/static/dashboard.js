"use strict";

const metrics = document.getElementById("metrics");
const state = document.getElementById("state");
const samples = []; // of the last minute

function draw() {
  for (const card of metrics.querySelectorAll("[data-metric]")) {
    const values = samples.map((sample) => sample[card.dataset.metric]);
    const top = Math.max(1, ...values);
    // The last value is at the right edge; 0 is at the bottom.
    const points = values.map((value, i) => `${60 - values.length + i},${19 - (18 * value) / top}`);
    card.querySelector("polyline").setAttribute("points", points.join(" "));
    card.querySelector("span").textContent = values.at(-1);
  }
}

function show(words, live) {
  state.textContent = words;
  state.classList.toggle("live", live);
}

// The browser connects again by itself, and says which event was the last one.
const source = new EventSource(metrics.dataset.events);
source.onopen = () => show("Live", true);
source.onerror = () => show("The connection is lost; trying again …", false);
source.addEventListener("sample", (event) => {
  samples.push(JSON.parse(event.data));
  samples.splice(0, samples.length - 60);
  draw();
});

document.getElementById("work").addEventListener("click", () => {
  for (let i = 0; i < 20; i++) fetch(metrics.dataset.work, { method: "POST" });
});
