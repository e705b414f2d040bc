/**
 * The tour of a first start: five stops, in the order in which one works.
 */
import type { RoomName } from './router.ts';

export interface TourStop {
  room: RoomName;
  title: string;
  text: string;
}

export const tourStops: readonly TourStop[] = [
  {
    room: 'home',
    title: 'A run is one click',
    text:
      'Problems, a model, a recipe: below them stands what the run would do, whether there is anything to learn, and ' +
      'what it takes. The sample is a small counter that is solved by a model of 0.7 million parameters.',
  },
  {
    room: 'data',
    title: 'Bring your own problems',
    text:
      'Drop a file anywhere on the window: JSONL, CSV, Parquet, Arrow or a zip with images. You see what every row ' +
      'becomes, and why some cannot be used, before anything is imported.',
  },
  {
    room: 'difficulty',
    title: 'How hard is it, for this model?',
    text:
      'Difficulty is the share of right answers when the model tries several times. Measure it, look at the band that ' +
      'teaches most, and correct single problems by hand.',
  },
  {
    room: 'entropy',
    title: 'Where does it hesitate?',
    text:
      'Every token of a response, coloured by how uncertain the model was. The method counts windows of high entropy to ' +
      'decide when and how much to explore; here you see each of them.',
  },
  {
    room: 'compare',
    title: 'What did it bring?',
    text:
      'Models side by side on the same held-out problems, with intervals, corrected for several comparisons, down to ' +
      'single answers. The command palette reaches everything; the question mark shows the keys.',
  },
];
