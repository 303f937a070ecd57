"use strict";

const form = document.getElementById("upload");
const bar = document.getElementById("bar");
const running = document.getElementById("running");
const cancel = document.getElementById("cancel");
const state = document.getElementById("state");

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

function add({ name, size, url }) {
  const files = document.getElementById("files");
  [...files.rows].find((row) => row.cells[0].textContent === name)?.remove();
  const row = files.insertRow(0);
  const link = document.createElement("a");
  link.href = url;
  link.textContent = name;
  row.insertCell().append(link);
  row.insertCell().textContent = megabytes(size);
}

function end(words) {
  state.textContent = words;
  running.hidden = cancel.hidden = true;
  form.querySelector("button").disabled = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const [file] = document.getElementById("file").files;
  const request = new XMLHttpRequest(); // fetch() does not tell how much has been sent
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => {
    bar.value = loaded / total;
    state.textContent = `${megabytes(loaded)} of ${megabytes(total)}`;
  };
  request.onload = () => {
    if (request.status === 201) add(request.response);
    end(request.status === 201 ? `${file.name} is there.` : request.response.error);
  };
  request.onerror = () => end("The connection was lost. Try again.");
  request.onabort = () => end("Cancelled.");
  cancel.onclick = () => request.abort();
  request.open("PUT", form.dataset.url.replace("NAME", encodeURIComponent(file.name)));
  request.send(file);
  bar.value = 0;
  running.hidden = cancel.hidden = false;
  form.querySelector("button").disabled = true;
});
