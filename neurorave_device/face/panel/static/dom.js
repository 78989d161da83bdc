// Making and changing parts of the page.

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (parent) parent.append(node);
  return node;
}

export function element(name, className, parent, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

// Change a text only where it differs: a new text makes the browser lay out anew, the same text too.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
