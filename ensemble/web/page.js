"use strict";

const SHOWN = 10;
const byId = (id) => document.getElementById(id);

function bar(name, share, note) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  const meter = document.createElement("progress");
  const number = document.createElement("span");
  label.textContent = name;
  label.title = name;
  meter.max = 1;
  meter.value = share;
  meter.setAttribute("aria-label", `${name}: ${note}`);
  number.className = "number";
  number.textContent = note;
  item.append(label, meter, number);
  return item;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

function show(prediction) {
  const sorted = Object.entries(prediction.probabilities).sort((a, b) => b[1] - a[1]);
  byId("winner").textContent = String(prediction.class);
  byId("doubt").textContent =
    `${percent(prediction.agreement)} of the members agree; ` +
    `mutual information ${prediction.mutual_information.toFixed(3)} nats`;
  byId("probabilities").replaceChildren(
    ...sorted.slice(0, SHOWN).map(([name, share]) => bar(name, share, percent(share))));
  byId("members").replaceChildren(
    ...Object.entries(prediction.members).map(([name, vote]) =>
      bar(`${name}: ${vote.class}`, vote.probability, percent(vote.probability))));
  byId("result").hidden = false;
}

async function predict(file) {
  const status = byId("status");
  status.textContent = "Predicting…";
  byId("result").hidden = true;
  const form = new FormData();
  form.append("image", file);
  try {
    const response = await fetch(`predict${location.search}`, { method: "POST", body: form });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    const preview = byId("preview");
    URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(file);
    show(answer.predictions[0]);
    status.textContent = "";
  } catch (error) {
    status.textContent = `Refused: ${error.message}`;
  }
}

const drop = byId("drop");
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const kind of ["dragleave", "drop"]) {
  drop.addEventListener(kind, () => drop.classList.remove("over"));
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) predict(event.dataTransfer.files[0]);
});
byId("file").addEventListener("change", (event) => {
  if (event.target.files.length) predict(event.target.files[0]);
});

fetch(`health${location.search}`).then((response) => response.json()).then((about) => {
  byId("about").textContent =
    `${about.members.length} networks vote among ${about.classes.length} classes`;
});
