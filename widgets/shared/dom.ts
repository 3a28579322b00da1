// Elements without a framework. Text is always set as text, never as HTML.

export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** Sets attributes; null and false remove one, true writes "true" (as ARIA wants it). */
export function assign(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
  }
}

/** An HTML element with attributes and children. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  assign(made, attributes);
  made.append(...children);
  return made;
}

/** The focused element of the page, or of the shadow tree (marimo's, for example) that a node is in. */
export function focusedBeside(node: Node): Element | null {
  const root = node.getRootNode();
  return root instanceof Document || root instanceof ShadowRoot ? root.activeElement : null;
}

/** An SVG element with attributes and children. */
export function svgElement<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  assign(made, attributes);
  made.append(...children);
  return made;
}

/** A 20 x 20 line icon from path data written in this package. */
export const icon = (...paths: readonly string[]): SVGSVGElement =>
  svgElement(
    "svg", { viewBox: "0 0 20 20", "aria-hidden": true, focusable: "false" },
    ...paths.map((data) => svgElement("path", { d: data })),
  );
