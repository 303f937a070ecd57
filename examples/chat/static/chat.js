"use strict";

const url = new URL(document.getElementById("chat").dataset.url, location.href);
url.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const log = document.getElementById("log");
const text = document.getElementById("text");
const people = document.getElementById("people");
let names = [];
let socket;
let wait = 500; // milliseconds until the next attempt to connect

function line(words, name) {
  const item = document.createElement("li");
  if (name) {
    const who = document.createElement("b");
    who.textContent = name; // textContent: what others type is text, never markup
    item.append(who, words);
  } else {
    item.className = "note";
    item.textContent = words;
  }
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(item);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function show(list) {
  names = list;
  people.textContent = `Here: ${names.join(", ")}`;
}

const handlers = {
  people(message) {
    show(message.names);
    people.dataset.process = message.process;
    line(`You are in, as ${message.you}.`);
  },
  join(message) {
    show([...new Set([...names, message.name])]); // it may be in the first list already
    line(`${message.name} has come in.`);
  },
  leave(message) {
    show(names.filter((name) => name !== message.name));
    line(`${message.name} has left.`);
  },
  message(message) {
    line(message.text, message.name);
  },
};

function connect() {
  socket = new WebSocket(url);
  socket.onopen = () => { wait = 500; };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    handlers[message.type](message);
  };
  socket.onclose = () => {
    people.textContent = "The connection is lost; trying again …";
    setTimeout(connect, wait);
    wait = Math.min(2 * wait, 10000);
  };
}

document.getElementById("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ text: words }));
  text.value = "";
  text.focus(); // A click on the button has moved it away.
});

connect();
