/**
 * Boxes: \boxed{…} and \fbox{…}, the commonest mark of an answer.
 *
 * Owns: finding their contents, braces nested to any depth, in one pass, and which boxes make one answer together.
 */

interface Box {
  content: string;
  /** Where the command begins and where the box ends. */
  start: number;
  end: number;
}

export interface BoxedAnswer {
  answer: string;
  /** Index after the last box. */
  end: number;
}

/**
 * The answer in the last box that is closed and not empty; of nested boxes the outermost. Boxes with nothing but
 * "and", "or" or a comma between them are one answer: "\boxed{-2} and \boxed{1}" is "-2, 1".
 */
export function lastBoxed(text: string): BoxedAnswer | null {
  const boxes = findBoxes(text);
  const last = boxes.at(-1);
  if (last === undefined) return null;
  const contents = [last.content];
  for (let i = boxes.length - 1; i > 0 && isGlue(text.slice(boxes[i - 1]!.end, boxes[i]!.start)); i--) {
    // The same answer boxed twice is said twice.
    if (!contents.includes(boxes[i - 1]!.content)) contents.unshift(boxes[i - 1]!.content);
  }
  return { answer: contents.join(', '), end: last.end };
}

const MAX_GLUE_LENGTH = 60;
const typesetting = /\\(?:[()[\],;:! ]|q?quad\b|text\s*\{\s*(?:and|or)?\s*,?\s*\})|[$\s]/g;

function isGlue(between: string): boolean {
  if (between.length > MAX_GLUE_LENGTH || between.includes('\n\n')) return false;
  return /^,?(?:and|or)?$/.test(between.replace(typesetting, ''));
}

/** All closed boxes that are not empty, those inside another box left out; also \boxed 7, without braces. */
function findBoxes(text: string): Box[] {
  const marker = /\\(?:boxed|fbox)\s*(\{|[^\s{}\\$.,])|\\[^A-Za-z]|[{}]/g;
  /** For every open brace, where the command of its box and its content begin; null when it opens no box. */
  const open: ({ start: number; content: number } | null)[] = [];
  const boxes: Box[] = [];
  for (let match = marker.exec(text); match !== null; match = marker.exec(text)) {
    const [whole, first] = match;
    if (whole === '{') open.push(null);
    else if (whole === '}') {
      const box = open.pop() ?? null;
      const content = box === null ? '' : text.slice(box.content, match.index).trim();
      if (box === null || content === '') continue;
      while (boxes.length > 0 && boxes.at(-1)!.start > box.start) boxes.pop();
      boxes.push({ content, start: box.start, end: marker.lastIndex });
    } else if (first === '{') open.push({ start: match.index, content: marker.lastIndex });
    else if (first !== undefined) {
      const bare = /^[-+\w.,/]*/.exec(text.slice(marker.lastIndex - 1, marker.lastIndex + 80))![0].replace(/[.,]$/, '');
      const end = marker.lastIndex - 1 + Math.max(bare.length, 1);
      boxes.push({ content: bare || first, start: match.index, end });
    }
  }
  return boxes;
}
