"use strict";

/** Create an element with properties and children. */
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Return an example of a schema: the fields that a client may send. */
function example(schema, schemas) {
  schema = schemas[schema.$ref?.split("/").pop()] ?? schema;
  if (schema.type === "object") {
    const fields = Object.entries(schema.properties ?? {}).filter(([, field]) => !field.readOnly);
    return Object.fromEntries(fields.map(([name, field]) => [name, example(field, schemas)]));
  }
  return schema.type === "integer" ? (schema.minimum ?? 1) : "text";
}

function operation(verb, path, details, schemas) {
  const inputs = (details.parameters ?? []).map(({ name, in: place, required, schema }) => {
    const input = make("input", { name, required, placeholder: schema.default ?? "" });
    input.dataset.place = place;
    return input;
  });
  const schema = details.requestBody?.content["application/json"].schema;
  const body = schema && make("textarea", { className: "json", rows: 6, spellcheck: false });
  if (body) body.value = JSON.stringify(example(schema, schemas), null, 2);
  const answer = make("pre", { hidden: true });
  const form = make("form", {}, ...inputs.map((input) => make("label", {}, input.name, input)));
  if (body) form.append(make("label", {}, "Body", body));
  form.append(make("button", {}, "Send"), answer);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let url = path;
    const query = new URLSearchParams();
    for (const { name, value, dataset } of inputs) {
      if (dataset.place === "path") url = url.replace(`{${name}}`, encodeURIComponent(value));
      else if (value) query.set(name, value);
    }
    const headers = body ? { "Content-Type": "application/json" } : {};
    const response = await fetch(`${url}?${query}`, { method: verb, headers, body: body?.value });
    answer.textContent = `${response.status} ${response.statusText}\n${await response.text()}`;
    answer.hidden = false;
  });
  const verbs = make("span", { className: "verb" }, verb);
  const summary = make("summary", {}, verbs, " ", make("code", {}, path), ` ${details.summary ?? ""}`);
  return make("details", { className: "card operation" }, summary, form);
}

async function show() {
  const openapi = await (await fetch(document.getElementById("source").href)).json();
  document.getElementById("title").textContent = openapi.info.title;
  for (const [path, item] of Object.entries(openapi.paths)) {
    for (const [verb, details] of Object.entries(item)) {
      if (verb === "parameters") continue;
      const parameters = [...(item.parameters ?? []), ...(details.parameters ?? [])];
      const one = operation(verb, path, { ...details, parameters }, openapi.components.schemas);
      document.getElementById("operations").append(one);
    }
  }
}

show();
