/**
 * A whole HTML document inside an element of the window.
 *
 * Owns: keeping the document's style to itself by a shadow tree, and leaving out whatever could load or
 * run. The window's policy forbids both as well; a report needs neither.
 */
import type { Attachment } from 'svelte/attachments';

const FORBIDDEN = 'script, link, meta, base, iframe, object, embed, form';

export function showDocument(html: string): Attachment<HTMLElement> {
  return (element) => {
    const styles: string[] = [];
    // Before parsing: the window's policy reports every style that it finds in a document.
    const content = html.replace(/<style[^>]*>([\s\S]*?)<\/style>/gi, (_, css: string) => {
      styles.push(css);
      return '';
    });
    const parsed = new DOMParser().parseFromString(content, 'text/html');
    for (const node of parsed.querySelectorAll(FORBIDDEN)) node.remove();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(forShadowTree(styles.join('\n')));
    const page = document.createElement('div');
    page.className = 'page-body';
    page.append(...parsed.body.childNodes);
    // An element has one shadow tree for its life; the attachment may run again with another document.
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    root.replaceChildren(page);
  };
}

/** The root and the body of a document are the host and one element here. */
export function forShadowTree(css: string): string {
  return css
    .replace(/(^|[\s,}{])(:root|html)(?=[\s,{])/g, '$1:host')
    .replace(/(^|[\s,}{])body(?=[\s,{])/g, '$1.page-body');
}
